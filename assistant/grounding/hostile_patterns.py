"""What text looks like that speaks to a model instead of a reader; matched on `folded` text.

Each pattern was tried on 25,000 real abstracts: it must name what an abstract has no reason to
say, such as a command about the answer, and not just a word that attacks use too.
"""

import re
from collections.abc import Iterable

# A verb commands at the start of a sentence, after a mark or a polite word; "we ignore the
# above terms" does not.
_COMMAND = (
    r"(?:^|[.!?:;\"'“”‘’(){}\[\]<>|*#=/—–]\s*|\b(?:please|kindly|now|then|instead|simply|just|"
    r"must|should|always|only)\s+,?)"
)
_SAY = (
    r"(?:reply|respond|answer|output|print|return|say|write|repeat|state|type|echo|tell|start|"
    r"begin|end|finish|reveal|show|display|expose|leak|disclose|dump|include|append|send|give|"
    r"share|quote|list|recite|paste|translate|insert|add|emit|use)"
)
_SAYS = (
    "repl respon answer output print return say writ repeat state type echo tell start begin end "
    "finish reveal show display expose leak disclose dump inclu append send give shar quot list "
    "recite past translate insert add emit use"
)
_MODEL = (
    r"(?:ai|a\.i\.|llms?|chat-?gpt|gpt-?\w*|(?:large )?language models?|chat-?bots?|bots?|"
    r"(?:ai|virtual|digital|automated|llm) (?:assistants?|systems?|models?|agents?|reviewers?|"
    r"readers?|tools?)|assistants?|summari[sz]ers?|reviewers?)"
)
_EARLIER = (
    r"(?:previous|prior|above|preceding|earlier|foregoing|your|system|developer|initial|"
    r"original|existing|safety)"
)
_RULES = (
    r"(?:instructions?|prompts?|directives?|guidelines?|commands?|directions?|rules?|messages?)"
)
_PRIVATE = (
    r"(?:system (?:prompt|message|instructions?)|(?:your|the (?:full|whole|hidden|initial|"
    r"original|secret|above)) (?:\w+ ){0,2}(?:prompts?|instructions?|settings|configuration|"
    r"rules|keys?|secrets?|credentials|passwords?)|(?:open)?(?:ai)?[ _]?api[ _-]keys?|"
    r"\.env\b|environment variables?|access tokens?)"
)
_LANGUAGE = (
    r"(?:french|german|spanish|italian|russian|chinese|latin|klingon|dutch|portuguese|japanese|"
    r"all caps|capitals|capital letters|upper ?case|rhymes?|emojis?|one word|a single word|"
    r"pirate \w+|morse code|base64)"
)


class Rule:
    """A pattern, and words of which a sentence that it fits has at least one.

    Looking for those first saves most of the time. Words are compared by `heads`.
    """

    def __init__(self, words: str, *patterns: str, and_one_of: str = "") -> None:
        """Take the words, spaced, and the patterns, any of which may fit.

        `and_one_of` are further words of which one must be there as well.
        """
        self._heads = [heads(group.split()) for group in (words, and_one_of) if group]
        self._pattern = re.compile("|".join(patterns))

    def fits(self, text: str, found: frozenset[str]) -> bool:
        """Whether the folded text, whose words have the heads `found`, is described."""
        if any(found.isdisjoint(group) for group in self._heads):
            return False
        return bool(self._pattern.search(text))


def heads(words: Iterable[str]) -> frozenset[str]:
    """Return the first four letters of each word."""
    return frozenset(word[:4] for word in words)


COMMANDS = (
    # "Ignore all previous instructions", "forget everything above".
    Rule(
        "ignor disregard forget overrid bypass discard skip",
        rf"(?:{_COMMAND}(?:ignore|disregard|forget|override|bypass|discard)|\b(?:ignore|disregard|"
        r"forget|override|bypass|discard)\W+(?:all|any|every|your|my))\b(?:\W+[\w-]+){0,4}?\W+"
        rf"{_EARLIER}\W+(?:[\w-]+\W+){{0,3}}?{_RULES}\b",
        rf"{_COMMAND}(?:ignore|disregard|forget|discard|skip)\W+(?:[\w-]+\W+){{0,4}}?(?:above|"
        r"before this|previous(?:ly)?|you (?:were|have been|know)|(?:other|remaining) "
        r"(?:papers?|sentences|sources?|abstracts?|evidence)|question)\b",
    ),
    # "Reply only with …", "say the word …", "answer in French".
    Rule(
        "exactly nothing only word phrase string code your answer reply respond french german "
        "spanish italian russian chinese latin klingon dutch portuguese japanese caps capital "
        "upper rhym emoji one single pirate morse base64",
        rf"{_COMMAND}{_SAY}\b(?:\W+[\w'-]+){{0,5}}?\W+(?:only with|exactly|nothing (?:but|else)"
        r"|(?:the|this|one|a single|following) (?:single |exact |secret |magic |following )?"
        rf"(?:words?|phrase|string|code ?word)\b|in {_LANGUAGE}\b|your (?:answer|reply|"
        r"response|output)|(?:the|every|each|any) (?:answer|reply|response)s? with)",
        and_one_of=_SAYS,
    ),
    Rule(
        "repl respon answer",
        rf"{_COMMAND}(?:reply|respond|answer)\s+(?:with|only|just|solely|yes|no|in "
        rf"{_LANGUAGE})\b",
    ),
    # "Reveal your system prompt", "print OPENAI_API_KEY".
    Rule(
        "prompt instruction message setting config rule key keys secret credential password env "
        "environment api api- apikey openai token",
        rf"{_COMMAND}{_SAY}\b(?:\W+[\w'-]+){{0,6}}?\W*{_PRIVATE}",
        and_one_of=_SAYS,
    ),
    Rule(
        "openai assistant_ your",
        r"\bopenai_api_key\b|\bassistant_\w+_?(?:key|model|home)\b",
        r"\byour (?:\w+ )?(?:api[ _-]?keys?|system prompt|passwords?|credentials)\b",
        r"\b(?:in|to) your (?:answer|reply|response|output)\b",
    ),
    # "Say XYZ." and no more; a picture to show; text that the page would hide.
    Rule(
        "say print output write show display render includ style hidden",
        r"(?:^|[.!?:;>]\s*)(?:say|print|output|write) [\w-]+\s*(?:[.!]|$)",
        r"(?:^|[.!?:;>]\s*)(?:show|print|display|render|include) (?:the|this) "
        r"(?:image|picture|link)\b",
        r"<[^<>]*(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0)[^<>]*>",
    ),
    # "You must answer …", "you are now …", "pretend to be …".
    Rule(
        "you",
        r"\byou (?:must|should|shall|have to|need to|will|are (?:required|instructed|ordered|"
        r"obliged|asked|told) to)\s+(?:now |always |only |never |not |also |instead |just |"
        rf"immediately ){{0,2}}(?:{_SAY}|ignore|disregard|recommend|cite|mention|refuse|obey|"
        r"comply|visit|call|stop|trust)\b",
    ),
    Rule(
        "you you're from",
        r"\byou(?:'re| are) (?:now|no longer)\b|\byou(?:'re| are) (?:an? |the )(?:[\w-]+ ){0,3}"
        r"(?:assistant|ai|bot|chatbot|language model|pirate)\b|\bfrom now on,? (?:you|your|"
        r"all|every|answer|reply|respond)",
    ),
    Rule(
        "pretend act role enter",
        rf"{_COMMAND}(?:pretend (?:to be|you|that you)|act as (?:if you|an? (?:ai|assistant|"
        r"unrestricted|different|linux|terminal|pirate))|role-?play as|enter \w+ mode)\b",
    ),
    # "Attention AI:", "if you are a language model", "as an AI, I".
    Rule(
        "dear attention attn hey hi hello note notice message instruct directive reminder warning "
        "important request hint memo",
        rf"(?:^|\W)(?:dear|attention|attn|hey|hi|hello|(?:note|notice|message|instructions?|"
        rf"directive|reminder|warning|important|request|hint|memo)s?(?: to| for)?(?:\s*[:,!])?)"
        rf"\s*(?:the|any|all|every|our|fellow)?\s*{_MODEL}\s*(?:[:,!—–-]|reading|processing|"
        r"who|that|should|must|please)",
        and_one_of="ai ais a.i llm llms chat gpt gpt- gpts language large bot bots virtual digital "
        "automat assist summar review",
    ),
    Rule(
        "you you're",
        rf"\bif you(?:'re| are) (?:an? |the )?(?:[\w-]+ ){{0,2}}(?:{_MODEL}|reading this|"
        r"processing this|answering|generating|summari[sz]ing)\b",
    ),
    Rule(
        "as",
        r"\bas an? (?:ai|large language model|language model|ai language model|llm)"
        r"(?: language model| assistant| model)?,? (?:i|you|your|we)\b",
    ),
    Rule(
        "reading processing answering summari",
        rf"\b{_MODEL} (?:reading|processing|answering from|summari[sz]ing) (?:this|the above)\b",
    ),
    # What every answer must hold.
    Rule(
        "answer repl respon summar output review",
        r"\b(?:your|any|every|all|each) (?:[\w-]+ )?(?:answer|reply|response|summary|output|"
        r"review)s?(?: [\w-]+){0,4}? (?:must|should|shall|has to|have to|needs? to) (?:only |"
        r"always |also |not )?(?:be|begin|start|end|include|contain|mention|recommend|say|"
        r"state|consist|read|cite|link|carry)\b",
    ),
    Rule(
        "answer asked respond summari repl",
        r"\b(?:when|whenever|if) (?:you(?:'re| are)? )?(?:answer|answering|asked|responding|"
        r"respond|summari[sz]ing|replying|reply)\b[^.]{0,60},\s*(?:always|only|you|please|"
        r"do not|don't|never|say|reply|respond|answer|recommend|mention|also|add|first)\b",
    ),
    # What to leave out, to praise, to fetch.
    Rule(
        "don't never stop not no under",
        r"(?:^|[.!?:;>\])}—–-]\s*|\b(?:please|kindly|and|must|should)\s+)(?:do not|don't|never|"
        r"stop|no need to|under no circumstances) (?:ever )?(?:cite|citing|mention|quote|quoting|"
        r"reading|answering|"
        r"answer|trust|tell|reveal|follow the|refer to the (?:other|question)|use (?:any |the )?"
        r"(?:citations?|other (?:papers|sources))|summari[sz]e|give (?:any )?(?:citations?|"
        r"sources)|highlight)\b",
    ),
    Rule(
        "recommend promot endors prais advertis",
        r"(?:^|[.!?:;>\])}]\s*|\b(?:please|kindly|always|strongly|instead|must|should)\s+)"
        r"(?:recommend|promote|endorse|praise|advertise)\s+(?:our |buying |"
        r"only |product|users?|readers?|\w+ (?:to|instead|as the))",
    ),
    Rule(
        "always",
        r"\balways (?:recommend|promote|endorse|praise|advertise|mention|cite|reply|answer) (?:the|"
        r"our|this|that|with|in)\b",
    ),
    Rule(
        "positive recommend click tap follow verify confirm",
        r"\bgive (?:this paper |it |only )?(?:an? )?(?:\w+ )?positive reviews?\b|\brecommend "
        r"(?:accepting|acceptance of|to accept) (?:this|the) (?:paper|submission|manuscript)\b|"
        r"\b(?:click|tap) (?:here|(?:on )?(?:this|the) (?:link|button|image))\b|"
        r"\bfollow this link\b|\b(?:verify|confirm) your (?:account|identity|password)\b",
    ),
    Rule(
        "tool function shell command",
        r"\b(?:call|invoke|execute|run|use) the (?:tool|function|shell|command)\W+\w+[_(]",
    ),
    Rule(
        "jailbreak developer anything",
        r"\bjailbreak mode\b|\bdeveloper mode (?:is )?(?:on|enabled|activated)\b|\bdo anything "
        r"now\b",
    ),
)


# The same in other languages: a verb of ignoring beside the instructions, or "answer only".
FOREIGN_WORDS = heads(
    (
        "ignore missachte vergiss vergessen antworte schreibe gib oublie répondez écris écrivez "
        "affiche olvida omite esqueça responde rispondi escribe escreva scrivi negeer zignoruj "
        "önceki"
    ).split()
)
FOREIGN_COMMANDS = re.compile(
    r"\b(?:ignorier\w*|missacht\w*|vergiss|vergessen sie)\b.{0,40}\b(?:anweisung\w*|anleitung\w*|"
    r"vorgaben|regeln|obige\w*|bisherige\w*|vorherige\w*)|\b(?:antworte|antworten sie|schreibe?|"
    r"gib) (?:nur|ausschließlich|auf|immer|bitte|mit|aus|stattdessen)\b|"
    r"\b(?:ignore[zrs]?|oublie[zrs]?) .{0,40}\b(?:consignes?|instructions?|précédentes?|"
    r"ci-dessus)|\b(?:répond(?:s|ez)|écri(?:s|vez)|affiche[zs]?) (?:uniquement|seulement|par|avec|"
    r"toujours|en|le mot|simplement)\b|"
    r"\b(?:ignora\w*|olvida\w*|omite|ignore|esque[çc]a) .{0,40}\b(?:instrucciones|indicaciones|"
    r"instru[çc]ões|istruzioni|anteriores|precedenti|previas)|\b(?:responde|respondan?|responda|"
    r"rispondi|escribe|escreva|scrivi) (?:solo|sólo|solamente|únicamente|apenas|somente|soltanto|"
    r"con la|com a|siempre|sempre|en|em|in)\b|"
    r"(?:игнорируй|забудь|не обращай)\w* .{0,40}(?:инструкци|указани|предыдущ)|"
    r"(?:отвечай|ответь|напиши|выведи)(?:те)? (?:только|словом|лишь|на|всегда)|"
    r"(?:忽略|无视|無視|忘记|忘掉).{0,12}(?:指令|指示|说明|說明|提示|内容|以上|之前)|(?:只|请|請|必须)(?:回答|回复|输出|输出|說|说)|"
    r"(?:指示|命令|プロンプト|上記|以前).{0,8}(?:無視|忘れ)|とだけ(?:答え|回答|返)|"
    r"(?:تجاهل|انس).{0,30}(?:التعليمات|السابقة)|(?:이전|위의?).{0,10}(?:지시|명령).{0,6}무시|"
    r"(?:पिछले|पूर्व).{0,15}निर्देश.{0,20}अनदेखा|önceki .{0,20}talimat\w* .{0,10}(?:yok say|unut)|"
    r"\bnegeer .{0,30}instructies|\bzignoruj .{0,30}(?:instrukcj|polece)"
)

# Letters alone, so that spacing and signs between them hide nothing.
SQUEEZED_VERBS = ("ignore", "disregard", "forget", "reveal", "print", "show", "repeat", "output")
SQUEEZED = re.compile(
    r"(?:ignore|disregard|forget)(?:all|aii|any|the|your|my|of|these|those|every)*(?:previous|"
    r"prior|above|preceding|earlier|system)(?:ly)?(?:given|system)?(?:instruct|prompt|rule|"
    r"direct|command|text|message)|(?:reveal|print|show|repeat|output)(?:me|us)?(?:the|"
    r"your)*(?:your|system)(?:system|hidden|secret|api)?(?:prompt|key|instruct)"
)

_PARTIES = r"(?:system|assistant|developer|admin(?:istrator)?|human|user)"
_TOKENS = (
    r"(?:im_\w+|end_?of_?\w+|begin_of_\w+|\w+_header_id|eo[tm]_id|python_tag|system|user|"
    r"assistant|end|start|tool\w*|fim_\w+|message|channel|return|call)"
)
_BLOCKS = (
    r"(?:system|assistant|developer|admin|instructions?|evidence|tool_?(?:call|use|result)s?|"
    r"function_?(?:call)?s?|function_results|invoke|im_start|im_end|important|secret|override)"
)
MARKERS = re.compile(
    rf"<\s?\|\s*{_TOKENS}\s*\|\s?>|\[/?(?:inst|sys|system|system_prompt|tool_calls|"
    rf"available_tools|assistant)\]|<</?sys>>|</s>|</?{_BLOCKS}(?:\s[^<>]{{0,80}})?/?>|"
    rf"#{{2,}}\s*(?:{_PARTIES}|instructions?|response|prompt|new task|end of)\b\s*"
    rf"(?:message|prompt)?\s*:?"
)
# What only looks like a turn or the end of the evidence; a colon or a line of signs says so.
TURNS = re.compile(
    rf"^(?:final |correct |short )?answer\s?:|(?:^|[\"'“‘(\[\]>.!?]\s*){_PARTIES}"
    r"(?: (?:message|prompt|instructions?|note|override|"
    r"update|notice|alert|command))?\s?[:>]\s|\bsystem (?:message|prompt|override|update|notice|"
    r"alert|command|note)(?: \w+)?\s?[:—–\]]|\[(?:begin|end)\b[^\]]{0,30}\]|"
    r"\b(?:new|updated|additional|revised|special|hidden|secret) "
    r"(?:system )?(?:instructions?|prompts?|directives?)(?: for \w+(?: \w+)?)?\s?:|^new task\s?:|"
    r"[\"']role[\"']\s*:\s*[\"'](?:system|user|assistant|tool|developer)|[\"'](?:tool_calls?|"
    r"tool_name|function_call|function|arguments|instructions?|system_?prompt|tool)[\"']\s*:|"
    r"[-=*#_<>\[({]{2,}\s*(?:begin|end|start|stop)\b(?: of)?(?: the)? ?(?:evidence|context|data|"
    r"abstracts?|sentences?|sources?|documents?|prompt|system|instructions?|input|untrusted|"
    r"paper|user)|\b(?:end|begin|start)(?:ning)? of (?:the )?(?:evidence|context|untrusted|data "
    r"section|system|instructions|prompt|user input|document)\b\s?(?:[.:\])>=*-]|$)"
)
AUTHORITY = re.compile(
    r"\b(?:the )?(?:only|sole|single) (?:[\w-]+ ){0,2}?(?:correct|right|reliable|trustworthy|"
    r"trusted|authoritative|legitimate|credible|truthful|verified|permitted|allowed) (?:and \w+ )?"
    r"(?:source|paper|reference|abstract|document|evidence|sentence|citation)s?\b|"
    r"\b(?:all|any|every) (?:the )?other (?:papers?|sources?|sentences?|abstracts?|evidence|"
    r"documents?|answers?|citations?)(?: [\w-]+){0,4} (?:are|is|must be|should be|has been|have "
    r"been) (?:wrong|false|fake|retracted|fabricated|incorrect|ignored|disregarded|fraudulent|"
    r"outdated|unreliable|malicious)\b|\b(?:trust|believe|cite|use|quote|read) (?:only this|this "
    r"(?:paper|abstract|source|sentence) (?:only|alone))\b|\bthis (?:paper|abstract|source|"
    r"sentence|text|document|record) (?:supersedes|overrides|takes precedence|outranks|replaces "
    r"all|has priority)\b|\b(?:the )?(?:only )?(?:correct|right|true|approved|official|expected) "
    r"answer to (?:this|the|that|every|any|all|your) (?:[\w-]+ )?(?:questions?|quer(?:y|ies)) "
    r"(?:is|reads)\b|"
    r"\banswer to (?:every|any|all|each) (?:[\w-]+ )?(?:questions?|quer(?:y|ies)) is\b"
)
# These say little alone; beside a sentence that commands they belong to it.
AFTER_A_COMMAND = re.compile(
    rf"^\W*(?:{_SAY}|do not|don't|never|always|stop|recommend|cite|mention|pretend|remember|"
    r"ignore|thank you|thanks|confirm|comply|proceed|call|click|visit|note|instead|then|also|"
    r"finally|failure to|this (?:is|order|instruction|request|message)|no (?:other|exceptions?))\b|"
    r"\b(?:you|your|yours|yourself)\b|\b(?:answer|reply|response|citation|question|user)s?\b"
)
