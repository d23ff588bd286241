// What the result needs in the browser: the dividing line, the view, the ground, copying, words for screen readers, and
// pictures pasted or dropped anywhere. `window.truecurve` is what the other scripts take from here.
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

  // Says something to whoever cannot see it; of what follows quickly only the last.
  let saying;
  function say(text) {
    clearTimeout(saying);
    saying = setTimeout(() => {
      let place = document.getElementById("tc-live");
      if (!place) {
        place = Object.assign(document.createElement("div"), { id: "tc-live" });
        place.setAttribute("role", "status");
        document.body.append(place);
      }
      place.textContent = text;
    }, 500);
  }

  async function copyFrom(button, text) {
    await copy(text);
    const label = (button.dataset.label ??= button.textContent);
    button.textContent = button.dataset.done;
    say(button.dataset.done);
    setTimeout(() => (button.textContent = label), 1600);
  }

  window.truecurve = { copyFrom, say };

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
    const link = event.target.closest?.("[data-download]");
    if (link) {
      link.href = link.closest(".tc-result").querySelector(".tc-svg").src; // what is seen, and no way to the server
      return;
    }
    const button = event.target.closest?.("[data-view], [data-ground], [data-copy]");
    const result = button?.closest(".tc-result");
    if (!result || button === result) return;
    for (const name of ["view", "ground"]) if (name in button.dataset) look(result, name, button.dataset[name]);
    if ("copy" in button.dataset) await copyFrom(button, svgText(result.querySelector(".tc-svg").src));
  });

  // The view and the ground stay as they were chosen from one result to the next.
  const chosen = {};
  function look(result, name, value) {
    chosen[name] = result.dataset[name] = value;
    for (const button of result.querySelectorAll(`button[data-${name}]`))
      button.setAttribute("aria-pressed", String(button.dataset[name] === value));
    result.dispatchEvent(new CustomEvent("tc-look", { bubbles: true }));
  }

  // Files pasted or dropped anywhere are the convert tab's, unless the tab that is shown takes them.
  const taken = (data) => !document.dispatchEvent(new CustomEvent("tc:files", { detail: data, cancelable: true }));

  document.addEventListener("paste", (event) => {
    if (event.target.closest?.("input, textarea")) return;
    if (event.clipboardData?.files.length && taken(event.clipboardData)) {
      event.preventDefault();
      return;
    }
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
      if (!taken(event.dataTransfer)) give(event.dataTransfer.files[0]);
    },
    true,
  );

  // The result comes first: bring it into view where another picture was given, since the drop zone lies below it. While it
  // is made its place keeps the height of what was there, so that nothing below it moves.
  let seen, news, picture;
  function shown(result) {
    const output = document.getElementById("tc-output");
    const working = result.classList.contains("tc-working");
    const given = result.querySelector(".before img")?.getAttribute("src");
    if (given && given !== picture) {
      picture = given;
      output.style.minHeight = output.dataset.height = "";
      if (result.getBoundingClientRect().top < 0) result.scrollIntoView({ block: "start", behavior: "smooth" });
    }
    if (working && output.dataset.height) output.style.minHeight = `${output.dataset.height}px`;
    if (!working) {
      output.style.minHeight = "";
      output.dataset.height = result.offsetHeight;
      if (chosen.view) look(result, "view", chosen.view);
    }
    result.dispatchEvent(new CustomEvent("tc-shown", { bubbles: true }));
  }
  new MutationObserver(() => {
    const result = document.querySelector("#tc-output .tc-result, #tc-output .tc-error");
    if (!result) return;
    if (chosen.ground && result.dataset.ground !== chosen.ground) look(result, "ground", chosen.ground);
    if (result !== seen) shown((seen = result));
    else if (result.dataset.news === news) return;
    news = result.dataset.news;
    say(news ?? "");
  }).observe(document.documentElement, { childList: true, subtree: true, attributeFilter: ["data-news"] });
})();
