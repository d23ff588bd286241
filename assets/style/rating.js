// Rating a result: a thumb counts at once; reasons, words and the picture follow with Send.
(() => {
  const pressed = (element) => element?.getAttribute("aria-pressed") === "true";

  function reason(form, thumb) {
    const chosen = [...form.querySelectorAll(`.tc-reasons.${thumb} [data-reason]`)].filter(pressed);
    const words = form.elements.words.value.trim();
    return [...chosen.map((button) => button.textContent), ...(words ? [words] : [])].join("; ");
  }

  async function picture(form) {
    const answer = await fetch(form.dataset.url);
    return answer.ok ? answer.blob() : null;
  }

  async function send(form, more) {
    const said = form.querySelector("output");
    const thumb = form.dataset.thumb;
    // Only Send gives the picture; a thumb pressed after it does not take it back.
    const consent = form.elements.consent.checked && (more || form.dataset.consented === "yes");
    form.dataset.consented = consent ? "yes" : "no";
    const body = new FormData();
    body.append("sample", form.dataset.sample);
    body.append("thumb", thumb);
    body.append("reason", reason(form, thumb));
    said.className = "";
    try {
      const given = consent ? await picture(form).catch(() => null) : null;
      if (given) body.append("picture", given, "picture");
      const answer = await fetch("api/rate", { method: "POST", body });
      const told = await answer.json().catch(() => null);
      if (!answer.ok) throw new Error(told?.error?.message);
      said.textContent = form.dataset[told.picture_kept ? "given" : consent ? "gone" : more ? "more" : "thanks"];
    } catch (error) {
      said.className = "failed";
      said.textContent = (error instanceof TypeError ? "" : error.message) || form.dataset.failed;
    }
  }

  // One after the other, since the last one to arrive is the one that stands.
  const waiting = new WeakMap();
  function queue(form, more) {
    form.setAttribute("aria-busy", "true");
    const sent = (waiting.get(form) ?? Promise.resolve()).then(() => send(form, more));
    waiting.set(form, sent);
    sent.then(() => waiting.get(form) === sent && form.removeAttribute("aria-busy"));
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".tc-rating [data-thumb], .tc-rating [data-reason]");
    if (!button) return;
    const form = button.closest(".tc-rating");
    if ("reason" in button.dataset) {
      button.setAttribute("aria-pressed", String(!pressed(button)));
      return;
    }
    for (const thumb of form.querySelectorAll("[data-thumb]"))
      thumb.setAttribute("aria-pressed", String(thumb === button));
    form.dataset.thumb = button.dataset.thumb;
    form.querySelector(".tc-rating-more").hidden = false;
    queue(form, false);
  });

  document.addEventListener("submit", (event) => {
    if (!event.target.matches?.(".tc-rating")) return;
    event.preventDefault();
    queue(event.target, true);
  });
})();
