// Zooming: all panes of a result show the same spot. SVGs are laid out larger, not scaled, so that they stay sharp. And the
// difference map, worked out here from the two pictures at the input's size.
(() => {
  const MOST = 16;
  const STEP = Math.SQRT2;
  const PIXELS_FROM = 4; // the input shows its pixels from this zoom on
  const GAIN = 4; // the difference is drawn so many times as strong
  const FAINT = 3; // levels of 255 below which a difference is left out
  const PLAIN = 16; // levels from which a pixel counts as off
  const LONGEST = 2048; // px, of the map: what a phone's memory takes

  // Where everything is: the zoom, and the picture's point, 0–1, in the middle of each pane.
  const at = { z: 1, x: 0.5, y: 0.5, picture: "" };

  const resultOf = (element) => element?.closest?.(".tc-result:not(.tc-working)");
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  // The pane under a point, its middle, and its picture's size at zoom 1, px.
  function pane(result, x, y) {
    const stage = result.querySelector(".tc-stage");
    const all = [...stage.querySelectorAll("figure")];
    const figures = all.filter((figure) => figure.offsetWidth); // none while another tab is shown
    const inside = (r) => x >= r.left && x < r.right && y >= r.top && y < r.bottom;
    const figure = figures.find((f) => inside(f.getBoundingClientRect())) ?? figures[0] ?? all[0];
    const box = figure.getBoundingClientRect();
    const frame = stage.querySelector(".before .tc-frame");
    const [w, h] = [Number(stage.dataset.width), Number(stage.dataset.height)];
    const fit = Math.min(frame.clientWidth / w, frame.clientHeight / h);
    return {
      middle: [box.left + box.width / 2, box.top + box.height / 2],
      size: [w * fit, h * fit],
      pane: [figure.clientWidth, figure.clientHeight],
      frame: [frame.clientWidth, frame.clientHeight],
    };
  }

  function lay(result) {
    const stage = result.querySelector(".tc-stage");
    const { size, pane: around, frame } = pane(result);
    if (!size[0] || !size[1]) return;
    ["x", "y"].forEach((axis, i) => {
      const half = Math.min(0.5, around[i] / (2 * size[i] * at.z));
      at[axis] = at.z === 1 ? 0.5 : clamp(at[axis], half, 1 - half);
      stage.style.setProperty(`--b${axis}`, 0.5 + ((at[axis] - 0.5) * size[i]) / frame[i]);
    });
    stage.style.setProperty("--z", at.z);
    stage.toggleAttribute("data-zoomed", at.z > 1);
    stage.toggleAttribute("data-pixels", at.z >= PIXELS_FROM);
    const text = `×${at.z < 10 ? Number(at.z.toFixed(1)) : Math.round(at.z)}`;
    const output = result.querySelector(".tc-zoom output");
    if (output.textContent !== text) output.textContent = text;
    for (const [way, end] of [["out", 1], ["fit", 1], ["in", MOST]])
      result.querySelector(`[data-zoom=${way}]`).setAttribute("aria-disabled", String(at.z === end));
  }

  // Zoom by a factor, so that what is at the point (in client px; the middle where none is given) stays where it is.
  function zoom(result, factor, x, y) {
    const { middle, size } = pane(result, x, y);
    const before = at.z;
    at.z = clamp(before * factor, 1, MOST);
    if (Math.abs(at.z - 1) < 0.02) at.z = 1;
    if (Math.abs(at.z - MOST) < 0.1) at.z = MOST;
    if (x !== undefined) {
      at.x += ((x - middle[0]) / size[0]) * (1 / before - 1 / at.z);
      at.y += ((y - middle[1]) / size[1]) * (1 / before - 1 / at.z);
    }
    lay(result);
  }

  function move(result, dx, dy) {
    const { size } = pane(result);
    at.x -= dx / (size[0] * at.z);
    at.y -= dy / (size[1] * at.z);
    lay(result);
  }

  const fit = (result) => zoom(result, 1 / at.z);

  document.addEventListener("click", (event) => {
    const way = event.target.closest?.("[data-zoom]")?.dataset.zoom;
    const result = way && resultOf(event.target);
    if (result) way === "fit" ? fit(result) : zoom(result, way === "in" ? STEP : 1 / STEP);
  });

  document.addEventListener("keydown", (event) => {
    const result = event.target.closest?.(".tc-stage") && resultOf(event.target);
    if (!result || event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    const arrows = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (key === "+" || key === "=") zoom(result, STEP);
    else if (key === "-" || key === "_") zoom(result, 1 / STEP);
    else if (key === "0") fit(result);
    else if (arrows[key] && at.z > 1 && !event.target.matches(".tc-range")) {
      const size = pane(result).pane;
      move(result, (arrows[key][0] * size[0]) / 8, (arrows[key][1] * size[1]) / 8);
    } else return;
    event.preventDefault();
  });

  // The wheel zooms in the zoom view, and wherever it is zoomed already; elsewhere with Ctrl, so that the page still scrolls.
  document.addEventListener(
    "wheel",
    (event) => {
      const result = event.target.closest?.(".tc-stage") && resultOf(event.target);
      if (!result) return;
      const wanted = event.ctrlKey || event.metaKey || result.dataset.view === "zoom" || at.z > 1;
      const lines = event.deltaMode === 1 ? 16 : 1;
      const factor = Math.exp(-clamp(event.deltaY * lines, -200, 200) * (event.ctrlKey ? 0.008 : 0.003));
      if (!wanted || (at.z === 1 && factor < 1 && !event.ctrlKey)) return;
      event.preventDefault();
      zoom(result, factor, event.clientX, event.clientY);
    },
    { passive: false },
  );

  // Fingers and the mouse: one moves what is zoomed, or the dividing line; two pinch.
  const touches = new Map();
  let pinched = 0;
  let cutting = false;
  let touched = null; // the stage

  document.addEventListener("pointerdown", (event) => {
    const stage = event.target.closest?.(".tc-stage");
    if (!stage || !resultOf(stage) || event.button > 0) return;
    touches.set(event.pointerId, [event.clientX, event.clientY]);
    touched = stage;
    pinched = 0;
    cutting = event.target.matches(".tc-line");
    if (!event.target.matches(".tc-range")) {
      stage.setPointerCapture(event.pointerId);
      if (event.pointerType === "mouse") event.preventDefault(); // no dragging of the image
      stage.focus({ preventScroll: true, focusVisible: false });
    }
  });

  document.addEventListener("pointermove", (event) => {
    const last = touches.get(event.pointerId);
    const result = last && resultOf(touched);
    if (!result) return;
    touches.set(event.pointerId, [event.clientX, event.clientY]);
    if (touches.size === 2) {
      const [a, b] = [...touches.values()];
      const apart = Math.hypot(a[0] - b[0], a[1] - b[1]);
      if (pinched) zoom(result, apart / pinched, (a[0] + b[0]) / 2, (a[1] + b[1]) / 2);
      pinched = apart;
    } else if (cutting) {
      const box = result.querySelector(".tc-stage").getBoundingClientRect();
      const range = result.querySelector(".tc-range");
      range.value = (100 * (event.clientX - box.left)) / box.width;
      range.dispatchEvent(new Event("input", { bubbles: true }));
    } else if (at.z > 1 && !event.target.matches(".tc-range")) {
      move(result, event.clientX - last[0], event.clientY - last[1]);
    }
  });

  for (const end of ["pointerup", "pointercancel"])
    document.addEventListener(end, (event) => {
      touches.delete(event.pointerId);
      pinched = 0;
    });

  const resized = new ResizeObserver((entries) => {
    const result = resultOf(entries[0].target);
    if (result?.isConnected) lay(result);
  });

  document.addEventListener("tc-shown", (event) => {
    touches.clear();
    const result = resultOf(event.target);
    if (!result) return;
    const picture = result.querySelector(".before img").getAttribute("src");
    if (picture !== at.picture) Object.assign(at, { z: 1, x: 0.5, y: 0.5, picture });
    resized.disconnect();
    resized.observe(result.querySelector(".tc-stage"));
    result.querySelector(".tc-svg").addEventListener("load", () => result.dataset.view === "zoom" && compare(result));
    lay(result);
  });

  document.addEventListener("tc-look", (event) => {
    const result = resultOf(event.target);
    if (!result) return;
    lay(result);
    if (result.dataset.view !== "zoom") return;
    theirs(result);
    compare(result);
  });

  function missing(frame, words) {
    const text = document.createElement("p");
    text.className = "tc-missing";
    text.textContent = words;
    frame.replaceWith(text);
  }

  // vtracer's drawing may be a megabyte: it comes when it is looked at.
  function theirs(result) {
    const frame = result.querySelector(".theirs .tc-frame:empty");
    if (!frame) return;
    const img = Object.assign(new Image(), { alt: frame.dataset.alt, src: frame.dataset.src });
    img.addEventListener("error", () => missing(frame, frame.dataset.gone));
    frame.append(img);
  }

  function pixels(image, width, height) {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (image) context.drawImage(image, 0, 0, width, height);
    else {
      context.fillStyle = "rgb(12, 134, 56)";
      context.fillRect(0, 0, width, height);
    }
    return context.getImageData(0, 0, width, height).data;
  }

  // Some browsers give noise for what is read from a canvas.
  function readable() {
    const data = pixels(null, 8, 8);
    return data.every((value, i) => Math.abs(value - [12, 134, 56, 255][i % 4]) < 2);
  }

  async function compare(result) {
    const frame = result.querySelector(".difference .tc-frame");
    const [input, ours] = [result.querySelector(".before img"), result.querySelector(".tc-svg")];
    if (!frame || frame.dataset.of === ours.src) return;
    frame.dataset.of = ours.src;
    const stage = result.querySelector(".tc-stage");
    const [w, h] = [Number(stage.dataset.width), Number(stage.dataset.height)];
    const scale = Math.min(1, LONGEST / Math.max(w, h));
    const [width, height] = [Math.max(1, Math.round(w * scale)), Math.max(1, Math.round(h * scale))];
    try {
      await Promise.all([input.decode(), ours.decode()]);
      if (!readable()) throw new Error("noise");
      const tone = getComputedStyle(result).getPropertyValue("--tc-difference").trim();
      const { data, off } = difference(pixels(input, width, height), pixels(ours, width, height), tone);
      const canvas = Object.assign(document.createElement("canvas"), { width, height });
      canvas.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
      const ghost = Object.assign(new Image(), { alt: "", src: input.src, className: "ghost" });
      frame.replaceChildren(ghost, canvas);
      const words = result.querySelector(".tc-difference-note b");
      const percent = (100 * off) / (width * height);
      words.textContent = words.dataset.words.replace("{percent}", percent.toFixed(percent < 10 ? 2 : 1));
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", words.textContent);
    } catch {
      missing(frame, frame.dataset.refused);
    }
  }

  // Two pictures as straight RGBA → a map in one colour whose opacity is the difference, and how many pixels are off. A
  // pixel's difference is its largest in any channel, over black or over white.
  function difference(a, b, tone) {
    const data = new Uint8ClampedArray(a.length);
    const [r, g, blue] = [1, 3, 5].map((i) => parseInt(tone.slice(i, i + 2), 16));
    let off = 0;
    for (let i = 0; i < a.length; i += 4) {
      const [alpha, beta] = [a[i + 3] / 255, b[i + 3] / 255];
      const lift = b[i + 3] - a[i + 3]; // what a white ground adds to the difference of what shines through
      let most = 0;
      for (let c = i; c < i + 3; c++) {
        const black = a[c] * alpha - b[c] * beta;
        most = Math.max(most, Math.abs(black), Math.abs(black + lift));
      }
      if (most >= PLAIN) off++;
      if (most < FAINT) continue;
      data[i] = r;
      data[i + 1] = g;
      data[i + 2] = blue;
      data[i + 3] = Math.min(255, most * GAIN);
    }
    return { data, off };
  }
})();
