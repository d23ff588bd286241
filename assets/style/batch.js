// What the batch tab needs in the browser: taking files, folders and zips, and sending them in parts with word of how far it is.
(() => {
  const PART = { files: 20, bytes: 16e6 }; // a request's, at most
  const AT_ONCE = 2; // requests

  const zone = () => document.querySelector("#tc-batch .tc-zone");
  const shown = () => !!zone()?.getClientRects().length;
  const running = () => !!document.querySelector("#tc-batch-board [data-running]");
  let sending = null; // what stops it

  function say(text, share) {
    const status = zone().querySelector(".tc-zone-status");
    status.hidden = !text;
    status.querySelector("p").textContent = text ?? "";
    const bar = status.querySelector("progress");
    if (share === undefined) bar.removeAttribute("value");
    else bar.value = share;
    bar.hidden = share === null;
    status.querySelector("button").hidden = !sending;
  }

  const ending = (name) => (/\.[^./]+$/.exec(name)?.[0] ?? "").toLowerCase();

  // Of a folder its pictures and zips are taken; of files that were chosen one by one, all.
  function wanted({ name }) {
    const known = zone().dataset.endings.split(",").concat(".zip").includes(ending(name));
    return name.includes("/") ? known && !name.split("/").some((part) => part.startsWith(".") || part === "__MACOSX") : true;
  }

  async function send(given) {
    const { dataset: words } = zone();
    const files = given.filter(wanted).sort((a, b) => (a.name < b.name ? -1 : 1));
    const put = (text) => say(text, null);
    if (sending || running()) return put(words.busy);
    if (!files.length) return put(words.nothing);
    if (files.length > Number(words.most))
      return put(words.many.replace("{count}", files.length).replace("{most}", words.most));
    sending = new AbortController();
    const total = files.length;
    let done = 0;
    const tell = () => say(words.sending.replace("{done}", done).replace("{total}", total), done / total);
    tell();
    const fits = ({ name, file }) => file.size <= Number(ending(name) === ".zip" ? words.zipBytes : words.bytes);
    const parts = [[]];
    let bytes = 0;
    for (const entry of files) {
      entry.path = "";
      if (!fits(entry)) {
        done++;
        continue;
      }
      if (parts.at(-1).length >= PART.files || (parts.at(-1).length && bytes + entry.file.size > PART.bytes)) {
        parts.push([]);
        bytes = 0;
      }
      parts.at(-1).push(entry);
      bytes += entry.file.size;
    }
    const left = parts.filter((part) => part.length);
    try {
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          for (let part; (part = left.shift()); ) {
            const body = new FormData();
            for (const { file } of part) body.append("files", file, file.name);
            const answer = await fetch("gradio_api/upload", { method: "POST", body, signal: sending.signal });
            if (!answer.ok) throw new Error(String(answer.status));
            const paths = await answer.json();
            part.forEach((entry, i) => (entry.path = paths[i]));
            done += part.length;
            tell();
          }
        }),
      );
    } catch {
      const stopped = sending.signal.aborted;
      sending.abort(); // and with it the other request
      sending = null;
      return put(stopped ? "" : words.failed);
    }
    sending = null;
    say(words.sent);
    const detail = { files: files.map(({ name, path }) => ({ name, path })) };
    zone().dispatchEvent(new CustomEvent("tc:upload", { detail, bubbles: true }));
  }

  // --- where files come from ------------------------------------------------------------------------------------------

  const chosen = (files) => [...files].map((file) => ({ name: file.webkitRelativePath || file.name, file }));

  // Folders are read here, since a browser gives the files of a dropped one only when asked.
  async function dropped(data) {
    const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean); // gone after the first wait
    if (!entries.length) return chosen(data.files);
    const files = [];
    async function walk(entry) {
      if (entry.isFile) {
        const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
        files.push({ name: entry.fullPath.replace(/^\//, ""), file });
        return;
      }
      const reader = entry.createReader();
      for (let some; (some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))).length; )
        for (const inside of some) await walk(inside);
    }
    for (const entry of entries) await walk(entry);
    return files;
  }

  function take(input) {
    const files = chosen(input.files);
    input.value = ""; // so that the same choice is a change again
    if (files.length) send(files);
  }

  document.addEventListener("change", (event) => {
    const input = event.target.closest?.("#tc-batch input[data-files]");
    if (input) take(input);
  });
  document.querySelectorAll("#tc-batch input[data-files]").forEach(take); // what was chosen before this script was here

  document.addEventListener("tc:files", (event) => {
    if (!shown()) return;
    event.preventDefault();
    dropped(event.detail).then(send, () => say(zone().dataset.failed, null));
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-stop-sending]")) sending?.abort();
  });

  document.addEventListener("tc:batch", () => {
    if (zone() && !sending) say("", null);
  });
})();
