// Where the visitor stands in the queue: Gradio's stream of events says it, and is read along here.
(() => {
  const PATIENCE = 400; // milliseconds of waiting that nobody needs to be told of
  const waits = new Map(); // event → {rank, eta: seconds or null, since, heard}

  const line = () => document.querySelector("#tc-waiting p");

  function show() {
    const place = line();
    if (!place) return;
    const now = performance.now();
    const told = [...waits.values()].filter((wait) => now - wait.since >= PATIENCE);
    let text = "";
    if (told.length) {
      const wait = told[told.length - 1];
      const words = place.dataset;
      text = wait.rank < 1 ? words.next : wait.rank < 2 ? words.one : words.ahead.replace("{count}", wait.rank);
      const left = wait.eta === null ? 0 : wait.eta - (now - wait.heard) / 1000;
      if (left > 0.5) text += " " + words.soon.replace("{seconds}", Math.ceil(left));
    }
    if (place.textContent !== text) place.textContent = text;
  }

  setInterval(() => waits.size && show(), 500);

  function heard(message) {
    if (message.msg === "estimation") {
      const now = performance.now();
      const since = waits.get(message.event_id)?.since ?? now;
      waits.set(message.event_id, { rank: message.rank, eta: message.rank_eta ?? null, since, heard: now });
    } else if (waits.delete(message.event_id)) show();
  }

  async function follow(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        const lines = (rest + value).split("\n");
        rest = lines.pop();
        for (const text of lines)
          if (/^data: ?\{"msg": ?"(estimation|process_starts|process_completed|unexpected_error)"/.test(text))
            heard(JSON.parse(text.slice(5)));
      }
    } catch {
      // the stream was cut off: Gradio says so
    }
    waits.clear();
    show();
  }

  const fetched = window.fetch;
  window.fetch = async function (...request) {
    const response = await fetched.apply(this, request);
    const address = String(request[0]?.url ?? request[0]);
    if (address.includes("/queue/data") && response.body) follow(response.clone().body);
    if (address.includes("/queue/join") && response.status === 503 && line())
      // Gradio has its own words for 503, and shows ours for any other status
      return new Response(JSON.stringify({ detail: line().dataset.full }), {
        status: 429,
        headers: { "Content-Type": "application/json" },
      });
    return response;
  };
})();
