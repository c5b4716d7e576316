// On a narrow page the paper opens below the table: go there.
watch("value", () => {
  const paper = element.querySelector("article.paper");
  if (!paper) return;
  element.closest("#library-side")?.scrollTo({ top: 0 });
  if (!matchMedia("(max-width: 800px)").matches) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  paper.focus({ preventScroll: true });
  paper.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
});
