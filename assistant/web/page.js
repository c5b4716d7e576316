// Marks like [1] open their source; all else on the page is Gradio's.
(() => {
  let lastMark = null;
  let latest;

  function show(source) {
    const section = source.closest("section.sources");
    for (const other of document.querySelectorAll("section.sources")) {
      other.hidden = other !== section;
    }
    for (const other of section.querySelectorAll("details.source")) {
      other.open = other === source;
    }
    source.querySelector("summary").focus({ preventScroll: true });
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    source.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
    source.classList.remove("found");
    void source.offsetWidth; // Restarts the animation of a second click on the same mark.
    source.classList.add("found");
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a.cite, a.back");
    if (!link) return;
    event.preventDefault();
    if (link.classList.contains("back")) {
      (lastMark?.isConnected ? lastMark : document.querySelector("#question textarea")).focus();
      return;
    }
    lastMark = link;
    const source = document.getElementById(link.getAttribute("href").slice(1));
    if (source) show(source);
  });

  function followLatest() {
    const id = [...document.querySelectorAll("section.sources")].at(-1)?.id;
    if (id !== latest) document.querySelector("#panel").scrollTop = 0;
    latest = id;
  }

  // Gradio labels each message with its HTML source; without the label its text is read.
  function readAsText() {
    for (const message of document.querySelectorAll("#chat [data-testid][aria-label]")) {
      message.removeAttribute("aria-label");
    }
  }

  new MutationObserver(() => {
    followLatest();
    readAsText();
  }).observe(document, { subtree: true, childList: true, attributeFilter: ["aria-label"] });
})();
