// What is pasted or dropped anywhere is for the bar of the tab that is shown, where it has one.
document.addEventListener("tc:files", (event) => {
  const bar = [...document.querySelectorAll(".tc-pick")].find((one) => one.offsetParent);
  const file = [...event.detail.files].find((one) => one.type.startsWith("image/")) ?? event.detail.files[0];
  const input = bar?.querySelector("input[type=file]");
  if (!input || !file) return;
  event.preventDefault();
  const files = new DataTransfer();
  files.items.add(file);
  input.files = files.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});
