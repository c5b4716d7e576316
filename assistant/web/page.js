// Marks like [1] open their source, buttons in messages act, keys work; the rest is Gradio's.
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

  // --- buttons in messages and sources: "does:about" ---

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch { // Without https only this old way is open.
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  }

  function asText(button) {
    const message = button.closest("[data-testid=bot]");
    const answer = [...message.querySelectorAll(".answer, .problem")].map((one) => one.innerText);
    const place = button.value.split(":")[1];
    const cards = document.querySelectorAll(`#sources-${place} details.source[id]`);
    const sources = [...cards].map((card) => {
      const link = card.querySelector("h3 a")?.href ?? "";
      const title = card.querySelector("h3").textContent;
      const sentence = card.querySelector("mark:not(.context)")?.textContent ?? "";
      return `[${card.querySelector(".number").textContent}] ${title} ${link}\n    “${sentence}”`;
    });
    return [answer.join("\n\n"), sources.join("\n")].filter(Boolean).join("\n\n");
  }

  function focusBox() {
    const box = document.querySelector("#question textarea");
    box?.focus();
    return box;
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button.act");
    if (!button) return;
    const [does, ...rest] = button.value.split(":");
    const about = rest.join(":");
    if (does === "copy") {
      await copy(asText(button));
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
      return;
    }
    const kind = button.classList.contains("ask") ? "ask" : "do";
    window.dispatchEvent(new CustomEvent(`act:${kind}`, { detail: { does, about } }));
    if (does === "edit" || does === "about") focusBox();
  });

  // --- the sentence behind a mark, on hover and on focus ---

  const tip = Object.assign(document.createElement("div"), { id: "tip", role: "tooltip" });
  tip.hidden = true;

  function showTip(mark) {
    const source = document.getElementById(mark.getAttribute("href").slice(1));
    const sentence = source?.querySelector("mark:not(.context)")?.textContent;
    if (!sentence) return;
    if (!tip.isConnected) document.body.append(tip);
    const title = Object.assign(document.createElement("b"), {
      textContent: source.querySelector("h3").textContent,
    });
    tip.replaceChildren(title, document.createElement("br"), `“${sentence}”`);
    tip.hidden = false;
    mark.setAttribute("aria-describedby", "tip");
    const at = mark.getBoundingClientRect();
    const left = Math.min(at.left, window.innerWidth - tip.offsetWidth - 8);
    const below = at.bottom + 6 + tip.offsetHeight <= window.innerHeight;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - 6 - tip.offsetHeight)}px`;
  }

  for (const kind of ["mouseover", "focusin"]) {
    document.addEventListener(kind, (event) => {
      const mark = event.target.closest?.("a.cite");
      if (mark) showTip(mark);
    });
  }
  for (const kind of ["mouseout", "focusout", "scroll", "click"]) {
    document.addEventListener(kind, () => { tip.hidden = true; }, true);
  }

  // --- keys: / goes to the box, Escape stops, Alt+N begins anew, Alt+K searches ---

  document.addEventListener("keydown", (event) => {
    const writing = event.target.matches?.("input, textarea, select, [contenteditable=true]");
    if (event.key === "Escape") {
      tip.hidden = true;
      document.querySelector("#question .stop-button")?.click();
    } else if (event.key === "/" && !writing) {
      event.preventDefault();
      focusBox();
    } else if (event.altKey && event.code === "KeyN") {
      event.preventDefault();
      document.querySelector("#clear")?.click();
      focusBox();
    } else if (event.altKey && event.code === "KeyK") {
      event.preventDefault();
      document.querySelector("#find input, #find textarea")?.focus();
    }
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

  // On a phone the list of conversations lies over the page: it begins closed, and closes again.
  const narrow = matchMedia("(max-width: 800px)").matches;
  function closeList() {
    const side = document.querySelector("#side.open");
    if (narrow && side) side.querySelector("button.toggle-button").click();
    return Boolean(side);
  }

  // Again and again, as the first press may come before the page listens to it.
  const closing = setInterval(() => {
    if (!narrow || (!closeList() && document.querySelector("#side"))) clearInterval(closing);
  }, 150);

  document.addEventListener("change", (event) => {
    if (event.target.closest?.("#conversations")) closeList();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("#clear")) closeList();
  });

  new MutationObserver(() => {
    followLatest();
    readAsText();
  }).observe(document, { subtree: true, childList: true, attributeFilter: ["aria-label"] });
})();
