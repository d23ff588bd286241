// What the result needs in the browser: the dividing line, the view, the ground, copying, and pictures pasted or dropped anywhere.
(() => {
  const intake = () => document.querySelector("#tc-drop input[type=file]");

  function give(file) {
    const input = intake();
    if (!input || !file) return;
    const files = new DataTransfer();
    files.items.add(file);
    input.files = files.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // outside https there is no clipboard API
      const area = document.createElement("textarea");
      area.value = text;
      area.style.position = "fixed";
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  }

  window.truecurve = { copy }; // for the scripts of the tabs

  const svgText = (url) =>
    new TextDecoder().decode(Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), (c) => c.charCodeAt(0)));

  document.addEventListener("input", (event) => {
    if (event.target.matches?.(".tc-range"))
      event.target.closest(".tc-stage").style.setProperty("--cut", event.target.value + "%");
  });

  document.addEventListener("click", async (event) => {
    const api = event.target.closest?.('a[href="?view=api"]') && document.querySelector("footer .show-api");
    if (api) {
      event.preventDefault();
      api.click(); // Gradio opens its page of endpoints by this button of its footer, which is not shown
      return;
    }
    const swatch = event.target.closest?.("[data-colour]");
    if (swatch) {
      await copy(swatch.dataset.colour);
      swatch.closest(".tc-swatches").querySelector("output").textContent = swatch.dataset.colour + " ✓";
      return;
    }
    const button = event.target.closest?.("[data-view], [data-ground], [data-copy]");
    const result = button?.closest(".tc-result");
    if (!result || button === result) return;
    for (const name of ["view", "ground"]) {
      if (!(name in button.dataset)) continue;
      result.dataset[name] = button.dataset[name];
      for (const other of result.querySelectorAll(`button[data-${name}]`))
        other.setAttribute("aria-pressed", String(other === button));
    }
    if ("copy" in button.dataset) {
      await copy(svgText(result.querySelector(".tc-svg").src));
      const label = button.textContent;
      button.textContent = button.dataset.done;
      setTimeout(() => (button.textContent = label), 1600);
    }
  });

  document.addEventListener("paste", (event) => {
    if (event.target.closest?.("input, textarea")) return;
    const file = [...(event.clipboardData?.files ?? [])].find((f) => f.type.startsWith("image/"));
    if (file) {
      event.preventDefault();
      give(file);
    }
  });

  let depth = 0;
  const dragging = (on) => document.documentElement.classList.toggle("tc-dragging", on);
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  document.addEventListener("dragenter", (event) => hasFiles(event) && dragging(++depth > 0));
  document.addEventListener("dragleave", (event) => hasFiles(event) && dragging(--depth > 0));
  document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  document.addEventListener(
    "drop",
    (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      event.stopPropagation();
      dragging(!!(depth = 0));
      give(event.dataTransfer.files[0]);
    },
    true,
  );

  // The result comes first: bring it into view, since the drop zone that was used lies below it.
  new MutationObserver(() => {
    const shown = document.querySelector("#tc-output .tc-result, #tc-output .tc-error");
    if (shown && !shown.dataset.seen) {
      shown.dataset.seen = "1";
      if (shown.getBoundingClientRect().top < 0) shown.scrollIntoView({ block: "start", behavior: "smooth" });
    }
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
