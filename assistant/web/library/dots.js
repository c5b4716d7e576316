// A click on a dot of the map opens its paper: Gradio's plot tells no clicks.
const follow = () => {
  const plot = document.querySelector("#library-map .js-plotly-plot");
  if (!plot || !plot.on || plot.dataset.followed) return;
  plot.dataset.followed = "yes";
  plot.on("plotly_click", (event) => {
    const id = event.points[0]?.customdata;
    if (id !== undefined) trigger("click", { act: "open", value: id });
  });
};
new MutationObserver(follow).observe(document.body, { subtree: true, childList: true });
follow();
