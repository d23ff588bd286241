// What lies behind a result stays open from one result to the next, for those who try settings and watch it.
(() => {
  let open = false;
  document.addEventListener(
    "toggle",
    (event) => {
      if (event.target.matches?.(".tc-insights")) open = event.target.open;
    },
    true,
  );
  new MutationObserver(() => {
    const shown = document.querySelector("#tc-output .tc-insights");
    if (shown && !shown.dataset.seen) {
      shown.dataset.seen = "1";
      shown.open = open;
    }
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
