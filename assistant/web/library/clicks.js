// Tells the server which control was clicked, and which papers of the page are ticked.
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-act]");
  if (button) trigger("click", { ...button.dataset });
});
element.addEventListener("change", (event) => {
  const boxes = [...element.querySelectorAll("tbody input[type=checkbox]")];
  const all = element.querySelector("thead input[type=checkbox]");
  if (event.target === all) for (const box of boxes) box.checked = all.checked;
  else if (all) all.checked = boxes.every((box) => box.checked);
  trigger("click", {
    act: "select",
    shown: boxes.map((box) => box.value),
    checked: boxes.filter((box) => box.checked).map((box) => box.value),
  });
});
// A new page of the table takes over the boxes of the one before, and with them their ticks.
new MutationObserver((changes) => {
  if (!changes.some((change) => change.type === "childList" || change.attributeName === "value")) return;
  for (const box of element.querySelectorAll("input[type=checkbox]")) {
    box.checked = box.hasAttribute("checked");
  }
}).observe(element, { subtree: true, childList: true, attributeFilter: ["value"] });
