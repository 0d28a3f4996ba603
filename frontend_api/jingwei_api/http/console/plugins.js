"use strict";

const asked = "{ platform { sdk plugins { plugin name version state reason link } } }";
const table = document.querySelector("#plugins tbody");

function cell(text, link) {
  const made = document.createElement("td");
  const inner = link ? made.appendChild(document.createElement("a")) : made;
  inner.textContent = text;
  if (link) Object.assign(inner, { href: link, rel: "noreferrer" });
  return made;
}

function row(each) {
  const made = document.createElement("tr");
  made.dataset.state = each.state;
  // Whoever wrote the plugin's list of reasons does not decide what a click runs.
  const link = /^https?:/.test(each.link) ? each.link : "";
  made.append(cell(each.plugin), cell(each.name), cell(each.version), cell(each.state));
  made.append(cell(each.reason || link, link));
  return made;
}

async function signedIn() {
  table.replaceChildren();
  const { data, errors } = await ask({ query: asked }, {});
  if (errors) {
    status.textContent = errors[0].message;
    return;
  }
  document.getElementById("sdk").textContent = `SDK ${data.platform.sdk}`;
  table.append(...data.platform.plugins.map(row));
}
