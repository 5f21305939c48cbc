// What makes the pages better where scripts run: nothing depends on it.
"use strict";

// An empty field of a form is a parameter that was not given.
const asked = (form, button) => {
  const given = [...new FormData(form)].filter(([, value]) => value !== "");
  const address = button?.getAttribute("formaction") || form.getAttribute("action");
  return address + (given.length ? `?${new URLSearchParams(given)}` : "");
};

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const address = asked(form, event.submitter);
    const isFile = /\.(xlsx|parquet)(\?|$)/.test(address);
    if (form.classList.contains("try") && !isFile) tryIt(form, address);
    else location.assign(address);
  });
}

// The answer of an address, under its form.
const tryIt = async (form, address) => {
  const output = form.querySelector("output") || form.appendChild(document.createElement("output"));
  output.tabIndex = 0;
  output.textContent = "Asking …";
  try {
    const answer = await fetch(address);
    const text = await answer.text();
    const type = answer.headers.get("content-type") || "";
    const whole = text.length < 20000;
    const body = whole && /json$/.test(type) ? JSON.stringify(JSON.parse(text), null, 2) : text.slice(0, 20000);
    output.textContent = `${answer.status} ${type}\n${location.origin}${address}\n\n${body}`
      + (whole ? "" : `\n… ${text.length} characters in all`);
  } catch (error) {
    output.textContent = String(error);
  }
};

// A button beside each example that copies it.
for (const block of navigator.clipboard ? document.querySelectorAll(".code") : []) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy: ${block.dataset.label}`);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.querySelector("code").textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  block.append(button);
}
