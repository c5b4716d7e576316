"""Papers made up for the tests, far enough apart to be told from each other."""

from assistant.types import Paper

TWIGNET = Paper(
    id="doi:10.1234/twignet",
    title="TwigNet: Pruning Before the First Step",
    abstract=(
        "Large networks are costly to store. We present TwigNet, which prunes a network at "
        "initialization by the curvature of its loss. TwigNet removes 92% of the weights of a "
        "ResNet-50 and loses 0.4 points of accuracy on ImageNet. Training the remaining "
        "weights takes half the memory."
    ),
    authors=("Ada Birch", "Ben Oak"),
    year=2021,
    doi="10.1234/twignet",
    source="made-up.txt",
)
STORYLINE = Paper(
    id="arxiv:2203.00001",
    title="Storyline Questions: Asking Long Videos What Happened",
    abstract=(
        "Answering questions about long videos needs memory of earlier scenes. We collect "
        "Storyline, a dataset of 12,000 questions about 800 films. A model that keeps one "
        "summary for each scene answers 61.5% of them correctly. Models that see single "
        "frames answer less than a third."
    ),
    authors=("Cleo Reel",),
    year=2022,
    arxiv_id="2203.00001",
    source="made-up.txt",
)
HIVE = Paper(
    id="pmid:31000001",
    title="How Honeybees Find Home in Fog",
    abstract=(
        "Honeybees return to their hive over several kilometres. We tracked 240 bees with "
        "harmonic radar in dense fog. Most bees followed hedges and ditches instead of the "
        "sun. Bees without landmarks did not return within two hours."
    ),
    authors=("Dora Apis",),
    year=2019,
    pmid="31000001",
    source="made-up.txt",
)
TIDEPOOL = Paper(
    id="hash:tidepool",
    title="Graph Retrieval for Tide Tables",
    abstract=(
        "Tide tables link harbours by the time of high water. Our retriever walks the graph of "
        "harbours around the first hit. Recall at ten rises from 54% to 71% when neighbours of "
        "the found harbours are added."
    ),
    year=2023,
    source="made-up.txt",
)
FOLDWELL = Paper(
    id="hash:foldwell",
    title="Foldwell: Small Models of Protein Folding",
    abstract=(
        "Protein structure prediction usually needs a large computer. Foldwell distils a "
        "structure model into one with 8 million parameters. It predicts small proteins in "
        "3.5 seconds on a laptop. Accuracy falls for chains above 400 residues."
    ),
    year=2024,
    source="made-up.txt",
)
SAMPLE = (TWIGNET, STORYLINE, HIVE, TIDEPOOL, FOLDWELL)
