/** Uploads of one record: a line each with its progress, two at a time; what failed says why and can be tried again. */
import { csrf, texts } from "./page.js";

const AT_ONCE = 2;
const waiting = [];
let running = 0;

const element = (name, values = {}, ...inside) => {
  const made = Object.assign(document.createElement(name), values);
  made.append(...inside);
  return made;
};
const button = (label, name, act) => {
  const made = element("button", { type: "button", className: "btn btn-sm", textContent: label });
  made.setAttribute("aria-label", `${label}: ${name}`);
  made.addEventListener("click", act);
  return made;
};

class Upload {
  constructor(box, file, replaces, done) {
    Object.assign(this, { box, file, replaces, done });
    this.bar = element("progress", { max: 1, value: 0 });
    this.bar.setAttribute("aria-label", file.name);
    this.words = element("span", { className: "os-upload-words" });
    this.buttons = element("span", { className: "os-upload-buttons" });
    this.line = element("li", { className: "os-upload" }, element("span", { className: "os-upload-name", textContent: file.name }), this.buttons, this.bar, this.words);
    box.querySelector("[data-uploads]").append(this.line);
    const { files: _files, most, tooLarge, empty } = box.dataset;
    if (file.size > Number(most)) this.fail(tooLarge, false);
    else if (file.size === 0) this.fail(empty, false);
    else this.wait();
  }

  wait() {
    this.line.classList.remove("os-upload-failed");
    this.line.removeAttribute("role");
    this.bar.hidden = false;
    this.bar.value = 0;
    this.words.textContent = "";
    this.buttons.replaceChildren(button(this.box.dataset.cancel, this.file.name, () => this.cancel()));
    waiting.push(this);
    next();
  }

  send() {
    running += 1;
    const body = new FormData();
    if (this.replaces) body.append("replaces", this.replaces);
    body.append("file", this.file);
    const asked = (this.asked = new XMLHttpRequest());
    asked.open("POST", this.box.dataset.files);
    asked.setRequestHeader("HX-Request", "true");
    asked.setRequestHeader("X-CSRFToken", csrf());
    asked.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      this.bar.value = event.loaded / event.total;
      const whole = event.loaded === event.total && this.box.dataset.sent;
      this.words.textContent = whole || `${Math.floor((100 * event.loaded) / event.total)} %`;
    });
    asked.addEventListener("load", () => this.answered(asked));
    asked.addEventListener("error", () => this.fail(this.box.dataset.lost, true));
    asked.addEventListener("loadend", () => { running -= 1; next(); });
    asked.send(body);
  }

  answered(asked) {
    if (asked.status < 300) {
      this.line.remove();
      this.done(this.file, asked.responseText);
      return;
    }
    let said = { 401: texts().expired, 403: texts().forbidden, 404: texts().gone, 413: this.box.dataset.tooLarge }[asked.status];
    try { said = JSON.parse(asked.responseText).message; } catch { /* a page of words for people */ }
    this.fail(said || this.box.dataset.refused, asked.status >= 500 || asked.status === 429 || asked.status === 409);
  }

  fail(message, again) {
    this.bar.hidden = true;
    this.words.textContent = message;
    this.line.classList.add("os-upload-failed");
    this.line.setAttribute("role", "alert");
    const { retry, dismiss } = this.box.dataset;
    this.buttons.replaceChildren(...(again ? [button(retry, this.file.name, () => this.wait())] : []), button(dismiss, this.file.name, () => this.leave()));
  }

  cancel() {
    const at = waiting.indexOf(this);
    if (at >= 0) waiting.splice(at, 1);
    this.asked?.abort();
    this.leave();
  }

  leave() {
    const near = this.line.nextElementSibling ?? this.line.previousElementSibling;
    this.line.remove();
    (near?.querySelector("button") ?? this.box.querySelector("input[type=file]"))?.focus();
  }
}

function next() {
  while (running < AT_ONCE && waiting.length) waiting.shift().send();
}

export const uploading = () => running > 0 || waiting.length > 0;

export function upload(box, files, replaces, done) {
  for (const file of files) new Upload(box, file, replaces, done);
}
