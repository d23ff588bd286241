// Other colours for the SVG: the server makes it anew from the one that it keeps, and what is shown, copied and downloaded
// follows.
(() => {
  const made = new WeakMap(); // result → its first SVG, and whether one is on its way

  const inputs = (result) => [...result.querySelectorAll("[data-colour]")];
  const changed = (result) => inputs(result).filter((input) => input.value !== input.dataset.colour);

  function query(result) {
    const pairs = changed(result).map((input) => `${input.dataset.colour}:${input.value}`.replaceAll("#", ""));
    return pairs.length ? `?colours=${pairs.join(",")}` : "";
  }

  const asUrl = (blob) =>
    new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result);
      reader.onerror = () => reject(reader.error);
      reader.readAsDataURL(blob);
    });

  async function fetched(url) {
    const response = await fetch(url);
    if (!response.ok) throw new Error((await response.json().catch(() => null))?.error?.message ?? response.statusText);
    return asUrl(await response.blob());
  }

  // One at a time; of the colours chosen meanwhile the last are taken.
  async function paint(result) {
    const img = result.querySelector(".tc-svg");
    const state = made.get(result) ?? { first: img.src, busy: false, shown: "" };
    made.set(result, state);
    if (state.busy) return;
    state.busy = true;
    const output = result.querySelector(".tc-swatches output");
    const base = `api/exports/${result.dataset.token}`;
    try {
      for (let asked = query(result); asked !== state.shown; asked = query(result)) {
        const src = asked ? await fetched(`${base}.svg${asked}`) : state.first;
        img.src = src;
        state.shown = asked;
        for (const link of result.querySelectorAll("[data-export]"))
          link.href = `${base}.${link.download.split(".").pop()}${asked}`;
      }
      output.textContent = "";
    } catch (error) {
      output.textContent = result.querySelector(".tc-swatches").dataset.failed + error.message;
    } finally {
      state.busy = false;
    }
  }

  function mark(result) {
    for (const input of inputs(result)) {
      input.toggleAttribute("data-changed", input.value !== input.dataset.colour);
      input.title = input.value === input.dataset.colour ? input.value : `${input.dataset.colour} → ${input.value}`;
    }
    result.querySelector("[data-reset]").hidden = !changed(result).length;
  }

  document.addEventListener("input", (event) => {
    const result = event.target.matches?.("[data-colour]") && event.target.closest(".tc-result");
    if (!result) return;
    mark(result);
    paint(result);
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-reset], [data-copy-colours]");
    const result = button?.closest(".tc-result");
    if (!result) return;
    if ("copyColours" in button.dataset) {
      window.truecurve.copyFrom(button, inputs(result).map((input) => input.value).join(", "));
      return;
    }
    const first = changed(result)[0];
    for (const input of inputs(result)) input.value = input.dataset.colour;
    mark(result);
    paint(result);
    first?.focus(); // the button is gone
  });
})();
