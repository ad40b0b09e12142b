"use strict";
// The form is made from the model's OpenAPI document, and asks /invocations.
const $ = (id) => document.getElementById(id);
let columns = [], named = true, fields = [];

function element(tag, attributes, ...inside) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes || {})) e.setAttribute(k, v);
  e.append(...inside);
  return e;
}

function headers(more) {
  const token = $("token").value.trim();
  return token ? { ...more, Authorization: "Bearer " + token } : more;
}

async function load() {
  $("problem").textContent = "";
  let response;
  try {
    response = await fetch("../openapi.json", { headers: headers({}) });
  } catch (e) {
    $("problem").textContent = "The server does not answer.";
    return;
  }
  $("token-box").hidden = response.status !== 401 && response.status !== 403;
  if (!response.ok) {
    $("problem").textContent = response.status === 401 ? "The server wants an access token." : "The server answered " + response.status + ".";
    $("ask").disabled = true;
    return;
  }
  $("ask").disabled = false;
  build(await response.json());
}

function build(doc) {
  $("name").textContent = document.title = doc.info.title + ", version " + doc.info.version;
  $("about").textContent = doc.info.description;
  const path = Object.keys(doc.paths).find((p) => p.endsWith("/invocations"));
  const example = doc.paths[path].post.requestBody.content["application/json"].example;
  const row = doc.components.schemas.Row;
  named = Boolean(example.dataframe_split);
  const width = named ? example.dataframe_split.columns.length : example.instances[0].length;
  columns = named ? example.dataframe_split.columns : Object.keys(row.properties).slice(0, width);
  if (!named) columns = Array.from({ length: width }, (_, i) => String(i));
  $("fields").replaceChildren();
  fields = columns.map((name, i) => field(name, i, row));
}

function field(name, i, row) {
  const schema = row.properties[name] || { type: "number" };
  const texts = (schema.oneOf || []).find((s) => s.enum);
  const kind = texts ? "text" : schema.type;
  const optional = !(row.required || []).includes(name);
  const id = "column-" + i;
  let input;
  if (texts) {
    input = element("select", { id });
    for (const t of texts.enum) input.append(element("option", { value: t }, t));
  } else if (kind === "boolean") {
    input = element("select", { id }, element("option", { value: "" }, ""), element("option", { value: "false" }, "false"), element("option", { value: "true" }, "true"));
  } else if (kind === "string") {
    input = element("input", { id, type: "text" });
  } else {
    input = element("input", { id, type: "number", step: kind === "integer" ? "1" : "any", value: "0" });
  }
  input.dataset.kind = kind;
  $("fields").append(element("label", { for: id }, (named ? name : "column " + name) + (optional && named ? " (optional)" : "")), input);
  return input;
}

function value(input) {
  if (input.value === "") return null;
  if (input.dataset.kind === "boolean") return input.value === "true";
  return input.dataset.kind === "text" || input.dataset.kind === "string" ? input.value : Number(input.value);
}

async function send(explain) {
  const row = fields.map(value);
  const body = named ? { dataframe_split: { columns, data: [row] } } : { instances: [row] };
  if (explain) body.params = { explain: true };
  $("request").textContent = "POST " + new URL("../invocations", location.href).pathname + "\nContent-Type: application/json\n\n" + JSON.stringify(body, null, 1);
  const response = await fetch("../invocations", { method: "POST", headers: headers({ "Content-Type": "application/json" }), body: JSON.stringify(body) });
  const text = await response.text();
  $("response").textContent = response.status + "\n\n" + text;
  return { ok: response.ok, text };
}

async function ask(event) {
  event.preventDefault();
  $("problem").textContent = "";
  $("answer").replaceChildren();
  $("ask").disabled = true;
  try {
    let got = await send(true);
    if (!got.ok) got = await send(false); // a model that cannot be explained may still answer
    if (got.ok) show(JSON.parse(got.text));
    else fail(got.text);
  } catch (e) {
    $("problem").textContent = "The server does not answer: " + e.message;
  }
  $("ask").disabled = false;
}

function fail(text) {
  let said = text;
  try {
    const fault = JSON.parse(text);
    said = [fault.message, (fault.stack_trace || "").split("\n")[0]].filter(Boolean).join("\n") || text;
  } catch (e) { /* it is plain text */ }
  $("problem").textContent = said;
}

const digits = (v) => (typeof v === "number" ? String(Number(v.toPrecision(4))) : v === null ? "missing" : String(v));

function show(answer) {
  const out = $("answer");
  const said = answer.predictions[0];
  out.append(element("p", { class: "said", id: "prediction" }, Array.isArray(said) ? said.map(digits).join(", ") : digits(said)));
  const shares = answer.probabilities && answer.probabilities[0];
  if (shares) {
    const rows = shares.map((p, i) => element("tr", {}, element("td", {}, "class " + i), element("td", {}, element("meter", { min: 0, max: 1, value: p })), element("td", { class: "number" }, digits(p))));
    out.append(element("table", { id: "probabilities" }, ...rows));
  }
  const why = answer.explanations && answer.explanations[0];
  if (!why) return;
  const given = Object.entries(why.contributions).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const most = Math.max(...given.map((g) => Math.abs(g[1])), 1e-300);
  const rows = given.slice(0, 20).map(([name, v]) => element("tr", {}, element("td", {}, name),
    element("td", {}, element("meter", { min: 0, max: 1, value: Math.abs(v) / most })),
    element("td", { class: "number " + (v < 0 ? "takes" : "adds") }, (v < 0 ? "takes " : "adds ") + digits(Math.abs(v)))));
  out.append(element("h2", {}, "Why"), element("p", { class: "note" }, "A usual row has " + digits(why.base_value) + " (" + why.space + ")."), element("table", { id: "why" }, ...rows));
}

$("form").addEventListener("submit", ask);
$("enter").addEventListener("click", load);
load();
