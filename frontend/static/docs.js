// The API's page: every route of the schema, and a form to try it. No library, nothing from afar.
"use strict"

const METHODS = ["get", "post", "patch", "put", "delete"]
const SHOWN_HEADERS = ["x-event-position", "x-total-count", "retry-after", "x-request-id"]

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties)
  made.append(...children)
  return made
}

function resolved(schema, spec) {
  const known = schema?.$ref
    ? spec.components.schemas[schema.$ref.split("/").pop()]
    : schema
  return known?.anyOf?.find((choice) => choice.type !== "null") && !known.properties
    ? resolved(known.anyOf.find((choice) => choice.type !== "null"), spec)
    : known
}

// A body to start from: what is required, and nothing that would have to be made up.
function example(schema, spec) {
  const known = resolved(schema, spec) ?? {}
  if (known.default !== undefined && known.default !== null) return known.default
  if (known.enum) return known.enum[0]
  if (known.const !== undefined) return known.const
  if (known.type === "object" && known.properties) {
    const names = known.required ?? []
    return Object.fromEntries(names.map((name) => [name, example(known.properties[name], spec)]))
  }
  return { integer: 1, number: 1, boolean: true, array: [], string: "", object: {} }[known.type] ?? null
}

function field(parameter) {
  const input = element("input", {
    name: parameter.name,
    required: parameter.required ?? false,
    placeholder: parameter.schema?.default === undefined ? "" : String(parameter.schema.default ?? ""),
  })
  return { parameter, input, label: element("label", {}, parameter.name, input) }
}

function requestOf(method, path, fields, body, formBody) {
  let address = path
  const query = new URLSearchParams()
  const headers = {}
  for (const { parameter, input } of fields) {
    if (input.value === "") continue
    if (parameter.in === "path") address = address.replace(`{${parameter.name}}`, encodeURIComponent(input.value))
    else if (parameter.in === "query") query.append(parameter.name, input.value)
    else headers[parameter.name] = input.value
  }
  const options = { method: method.toUpperCase(), headers }
  if (body && body.value.trim() !== "") {
    options.body = formBody ? new URLSearchParams(JSON.parse(body.value)) : body.value
    if (!formBody) headers["Content-Type"] = "application/json"
  }
  return [query.size ? `${address}?${query}` : address, options]
}

async function send(address, options, output) {
  const answer = await fetch(address, options)
  const text = await answer.text()
  let shown = text
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    // not JSON: shown as it is
  }
  const status = element("b", { className: answer.ok ? "good" : "bad" }, `${answer.status} ${answer.statusText}`)
  const headers = SHOWN_HEADERS.filter((name) => answer.headers.has(name))
    .map((name) => `${name}: ${answer.headers.get(name)}`)
    .join("\n")
  output.replaceChildren(status, `\n${headers}\n\n${shown}`)
}

function operation(method, path, described, spec) {
  const fields = (described.parameters ?? []).map(field)
  const content = described.requestBody?.content ?? {}
  const formBody = content["application/x-www-form-urlencoded"]
  const schema = (content["application/json"] ?? formBody)?.schema
  const body = schema && element("textarea", { spellcheck: false, ariaLabel: "Body" })
  if (body) body.value = JSON.stringify(example(schema, spec), null, 2)
  const optional = Object.keys(resolved(schema, spec)?.properties ?? {}).join(", ")
  const hint = element("p", { className: "hint" }, optional && `Fields: ${optional}`)
  const output = element("pre", { hidden: true })
  const button = element("button", {}, "Send")
  const form = element("form", {}, button)
  form.addEventListener("submit", async (event) => {
    event.preventDefault()
    button.disabled = true
    output.hidden = false
    try {
      await send(...requestOf(method, path, fields, body, formBody), output)
    } catch (error) {
      output.replaceChildren(element("b", { className: "bad" }, String(error)))
    } finally {
      button.disabled = false
    }
  })
  form.prepend(
    element("div", { className: "fields" }, ...fields.map((one) => one.label)),
    ...(body ? [body, hint] : []),
  )
  return element(
    "details",
    {},
    element("summary", {}, element("b", {}, method.toUpperCase()), element("code", {}, path), element("span", {}, described.summary ?? "")),
    element("div", { className: "inside" }, element("p", {}, described.description ?? ""), form, output),
  )
}

function draw(spec) {
  const sections = new Map()
  for (const [path, methods] of Object.entries(spec.paths)) {
    for (const method of METHODS.filter((name) => methods[name])) {
      const tag = methods[method].tags?.[0] ?? "other"
      if (!sections.has(tag)) sections.set(tag, element("section", {}, element("h2", {}, tag)))
      sections.get(tag).append(operation(method, path, methods[method], spec))
    }
  }
  document.querySelector("#routes").replaceChildren(...sections.values())
}

async function tellWho() {
  const answer = await fetch("/users/me/")
  const who = document.querySelector("#who")
  who.textContent = answer.ok ? await answer.json().then((user) => `${user.username} (${user.role})`) : ""
}

document.querySelector("#login").addEventListener("submit", async (event) => {
  event.preventDefault()
  const form = event.target
  const answer = await fetch("/token", { method: "POST", body: new URLSearchParams(new FormData(form)) })
  if (answer.ok) {
    form.reset()
    await tellWho()
  } else {
    document.querySelector("#who").textContent = (await answer.json()).detail
  }
})

fetch("/api/openapi.json")
  .then((answer) => answer.json())
  .then(draw)
  .catch((error) => {
    document.querySelector("#state").textContent = `The schema cannot be loaded: ${error}`
  })
tellWho()
