"use strict";
// Draws the figures when they come near the window, in the colours of the reader's scheme,
// and filters the cases.
(() => {
  const { specs, light, dark } = JSON.parse(document.getElementById("figures").textContent);
  const night = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 600px)");
  const still = { displayModeBar: false, responsive: true, scrollZoom: false, showTips: false };
  const drawn = new Set();

  // A copy of the spec with each light colour swapped for its dark one where that is wanted.
  function coloured(part) {
    if (Array.isArray(part)) return part.map(coloured);
    if (part && typeof part === "object") {
      return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, coloured(inner)]));
    }
    const hue = night.matches ? light.indexOf(part) : -1;
    return hue < 0 ? part : dark[hue];
  }

  // What all figures share, beneath what each says of itself.
  function layoutOf(own) {
    const style = getComputedStyle(document.documentElement);
    const [text, grid, page] = ["--text", "--grid", "--page"].map((name) => style.getPropertyValue(name).trim());
    const axis = { gridcolor: grid, linecolor: grid, zeroline: false, fixedrange: true, automargin: true };
    const shared = {
      font: { family: "system-ui, sans-serif", size: 12, color: text },
      paper_bgcolor: page, plot_bgcolor: page, dragmode: false, autosize: true,
      hoverlabel: { bgcolor: page, bordercolor: text, font: { color: text } },
      legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", entrywidthmode: "pixels" },
      margin: { l: 50, r: 12, t: 34, b: 44 }, bargap: 0.15,
    };
    const layout = { ...shared, ...own };
    for (const name of ["xaxis", "yaxis", "yaxis2"]) {
      if (own[name] || name !== "yaxis2") layout[name] = { ...axis, ...own[name] };
    }
    layout.legend = { ...shared.legend, ...own.legend };
    if (narrow.matches) layout.font.size = 11;
    return layout;
  }

  function draw(place) {
    const spec = coloured(specs[place.dataset.figure]);
    Plotly.react(place, spec.data, layoutOf(spec.layout), still);
    drawn.add(place);
  }

  const watcher = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting) {
        watcher.unobserve(target);
        draw(target);
      }
    }
  }, { rootMargin: "600px" });
  document.querySelectorAll(".plot").forEach((place) => watcher.observe(place));
  night.addEventListener("change", () => drawn.forEach(draw));
  addEventListener("beforeprint", () => document.querySelectorAll(".plot").forEach(draw));

  const [form, search, type, outcome, count] =
    ["filters", "search", "type", "outcome", "count"].map((id) => document.getElementById(id));
  const cases = [...document.querySelectorAll(".case")].map((element) => ({
    element, text: element.textContent.toLowerCase(), type: element.dataset.type,
    outcomes: element.dataset.outcomes.split("|"),
  }));

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const one of cases) {
      const fits = (!type.value || one.type === type.value)
        && (!outcome.value || one.outcomes.includes(outcome.value))
        && words.every((word) => one.text.includes(word));
      one.element.hidden = !fits;
      shown += fits;
    }
    count.value = `${shown} of ${cases.length} shown`;
  }

  // A link to a case opens it, whatever the filters say.
  function open() {
    const target = location.hash.startsWith("#case-") && document.getElementById(location.hash.slice(1));
    if (target) {
      target.hidden = false;
      target.open = true;
      target.scrollIntoView();
    }
  }

  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", open);
  filter();
  open();
})();
