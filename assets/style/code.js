// The code tab: examples name the address that the page is at, and are copied whole.
(() => {
  const address = new URL("./", location.href).href.replace(/\/$/, "");

  const fill = () => {
    for (const place of document.querySelectorAll(".tc-address"))
      if (place.textContent !== address) place.textContent = address;
  };
  new MutationObserver(fill).observe(document.documentElement, { childList: true, subtree: true });
  fill();

  document.addEventListener("click", (event) => {
    const jump = event.target.closest?.(".tc-jump a");
    if (jump) {
      event.preventDefault(); // the address stays as it is
      const section = document.querySelector(jump.getAttribute("href"));
      section.scrollIntoView({ block: "start", behavior: "smooth" });
      section.querySelector("button").focus({ preventScroll: true });
      return;
    }
    const button = event.target.closest?.("[data-copy-code]");
    if (!button) return;
    window.truecurve.copyFrom(button, button.closest(".tc-example").querySelector("code").textContent);
  });
})();
