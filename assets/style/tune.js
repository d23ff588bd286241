// The tune tab: sliders, numbers and recipes kept together with the plan that the server is told of, and the view that is kept
// while drawings are exchanged in it.
(() => {
  const STEPS = 1000; // of a slider that does not move in whole numbers, as knobs.py makes it

  const read = (knob) => ({
    name: knob.dataset.knob,
    low: Number(knob.dataset.low),
    high: Number(knob.dataset.high),
    standard: Number(knob.dataset.default),
    integer: "integer" in knob.dataset,
    log: "log" in knob.dataset,
    range: knob.querySelector("input[type=range]"),
    number: knob.querySelector("input[type=number]"),
    mark: knob.querySelector(".recommended"),
  });
  const share = (k, value) =>
    k.log ? Math.log(value / k.low) / Math.log(k.high / k.low) : (value - k.low) / (k.high - k.low);
  const held = (k, value) => {
    value = Math.min(Math.max(value, k.low), k.high);
    return k.integer ? Math.round(value) : Math.min(Math.max(brief(value), k.low), k.high);
  };
  const brief = (value) => Number(value.toPrecision(3));
  const valueAt = (k, place) => held(k, k.log ? k.low * (k.high / k.low) ** place : k.low + place * (k.high - k.low));

  function knobs(element, props, trigger, watch) {
    const groups = {};
    for (const group of element.querySelectorAll(".tc-recipe-knobs"))
      groups[group.dataset.recipe] = [...group.querySelectorAll(".tc-knob")].map(read);
    let plan = {};
    let recommended = null;

    const show = (k, value, typed = false) => {
      k.value = value;
      k.range.value = k.integer && !k.log ? value : STEPS * share(k, value);
      k.range.setAttribute("aria-valuetext", brief(value));
      if (!typed) k.number.value = brief(value);
      k.number.classList.toggle("moved", value !== k.standard);
    };
    const choose = (recipe) => {
      for (const group of element.querySelectorAll(".tc-recipe-knobs")) group.hidden = group.dataset.recipe !== recipe;
      for (const radio of element.querySelectorAll("[name=tc-recipe]")) radio.checked = radio.value === recipe;
    };
    const shown = (recipe) => Object.fromEntries(groups[recipe].map((k) => [k.name, k.value ?? k.standard]));

    function take() {
      const found = JSON.parse(props.value);
      ({ plan, recommended } = found);
      for (const k of groups[plan.recipe]) show(k, plan.knobs[k.name]);
      choose(plan.recipe);
      for (const [recipe, all] of Object.entries(groups))
        for (const k of all) {
          k.mark.hidden = recommended?.recipe !== recipe;
          if (!k.mark.hidden) k.mark.style.setProperty("--at", share(k, recommended.knobs[k.name]));
        }
      for (const label of element.querySelectorAll(".tc-recipes label"))
        label.classList.toggle("advised", recommended?.recipe === label.querySelector("input").value);
      element.querySelector("[data-to=recommended]").disabled = !recommended;
    }
    function tell(next) {
      plan = next;
      props.value = JSON.stringify({ plan, recommended });
      document.querySelector("#tc-tune-measured")?.classList.add("stale");
      document.querySelector("#tc-tune-view")?.classList.add("stale");
      trigger("input");
    }
    const moved = (recipe) => tell({ ...plan, recipe, knobs: shown(recipe) });

    element.addEventListener("input", (event) => {
      const input = event.target;
      if (input.name === "tc-recipe") {
        choose(input.value);
        return moved(input.value);
      }
      const knob = input.closest(".tc-knob");
      if (!knob) return;
      const { recipe } = knob.closest(".tc-recipe-knobs").dataset;
      const k = groups[recipe].find((one) => one.name === knob.dataset.knob);
      if (input === k.number) {
        if (input.value === "" || !Number.isFinite(input.valueAsNumber)) return;
        if (held(k, input.valueAsNumber) !== input.valueAsNumber) return; // until it is left, or typed on
        show(k, input.valueAsNumber, true);
      } else show(k, k.integer && !k.log ? Number(input.value) : valueAt(k, input.value / STEPS));
      moved(recipe);
    });
    element.addEventListener("change", (event) => {
      const knob = event.target.type === "number" && event.target.closest(".tc-knob");
      if (!knob) return;
      const { recipe } = knob.closest(".tc-recipe-knobs").dataset;
      const k = groups[recipe].find((one) => one.name === knob.dataset.knob);
      const value = event.target.value === "" ? k.standard : held(k, event.target.valueAsNumber);
      if (value === brief(k.value)) return show(k, k.value);
      show(k, value);
      moved(recipe);
    });
    element.addEventListener("click", (event) => {
      const to = event.target.closest("[data-to]")?.dataset.to;
      if (to === "recommended") {
        for (const k of groups[recommended.recipe]) show(k, recommended.knobs[k.name]);
        choose(recommended.recipe);
        tell({ ...plan, recipe: recommended.recipe, knobs: recommended.knobs });
      } else if (to === "defaults") {
        for (const k of groups[plan.recipe]) show(k, k.standard);
        moved(plan.recipe);
      }
    });

    watch("value", take);
    take();
  }

  // Gradio adds the scripts of the head when it likes, so the component may be there before this.
  window.truecurveKnobs = knobs;
  document.dispatchEvent(new Event("tc:knobs"));

  // What is measured is stale from a move until it is measured again. The view is the same element with another drawing in
  // it; what was chosen of it, and where it is zoomed, stays.
  const kept = {};
  const result = () => document.querySelector("#tc-tune-view .tc-result");

  document.addEventListener("tc-look", (event) => {
    if (event.target === result()) for (const name of ["view", "ground"]) kept[name] = event.target.dataset[name];
  });

  function exchanged() {
    const shown = result();
    if (!shown) return;
    const wanted = { ...kept };
    for (const name of ["view", "ground"])
      if (wanted[name] && wanted[name] !== shown.dataset[name])
        shown.querySelector(`button[data-${name}="${wanted[name]}"]`)?.click();
    for (const swatch of shown.querySelectorAll("[data-colour]")) swatch.value = swatch.dataset.colour;
    shown.querySelector(".tc-range")?.dispatchEvent(new Event("input", { bubbles: true }));
    shown.dispatchEvent(new CustomEvent("tc-shown", { bubbles: true }));
  }

  let drawn, measured;
  new MutationObserver(() => {
    const svg = result()?.querySelector(".tc-svg")?.getAttribute("src");
    if (svg !== drawn) {
      drawn = svg;
      exchanged();
    }
    const key = document.querySelector("#tc-tune-measured [data-key]")?.dataset.key;
    if (key === measured) return;
    measured = key;
    for (const id of ["measured", "view"]) document.getElementById(`tc-tune-${id}`)?.classList.remove("stale");
  }).observe(document.documentElement, {
    childList: true,
    attributes: true,
    attributeFilter: ["src", "data-key"],
    subtree: true,
  });
})();
