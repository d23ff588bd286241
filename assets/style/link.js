// The page's address holds the settings that are not the defaults; the server says which, in the link's button.
(() => {
  let last = "";
  new MutationObserver(() => {
    const button = document.querySelector("#tc-link [data-link]");
    if (!button || button.dataset.link === last) return;
    last = button.dataset.link;
    const url = new URL(location);
    for (const key of button.dataset.keys.split(" ")) url.searchParams.delete(key);
    for (const [key, value] of new URLSearchParams(last)) url.searchParams.set(key, value);
    history.replaceState(history.state, "", url);
  }).observe(document.documentElement, { childList: true, subtree: true, attributeFilter: ["data-link"] });

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("#tc-link [data-link]");
    if (button) window.truecurve.copyFrom(button, location.origin + location.pathname + button.dataset.link);
  });
})();
