/**
 * Channels in plain words. Each kind asks for what a person has at hand and makes of it the
 * address that the service stores (an Apprise address, contract, section 9).
 */

export type Part = {
  name: string
  label: string
  hint?: string
  placeholder?: string
  secret?: boolean
  optional?: boolean
}
export type Given = Record<string, string>
type Made = { address?: string; wrong?: Record<string, string> }
export type Kind = {
  id: string
  label: string
  /** Schemes under which the service lists it. */
  schemes: readonly string[]
  parts: readonly Part[]
  make: (given: Given) => Made
}

const enc = encodeURIComponent
const text = (given: Given, name: string) => (given[name] ?? "").trim()

function url(value: string): URL | null {
  try {
    return new URL(value)
  } catch {
    return null
  }
}

/** What must not be empty, in words. */
function missing(given: Given, parts: readonly Part[]): Record<string, string> {
  const empty = parts.filter((part) => !part.optional && text(given, part.name) === "")
  return Object.fromEntries(empty.map((part) => [part.name, `${part.label} is needed.`]))
}

function kind(
  id: string,
  label: string,
  schemes: string[],
  parts: Part[],
  make: (given: Given) => Made,
): Kind {
  return {
    id,
    label,
    schemes,
    parts,
    make: (given) => {
      const wrong = missing(given, parts)
      return Object.keys(wrong).length > 0 ? { wrong } : make(given)
    },
  }
}

const HOST = /^[\w.-]+(:\d{1,5})?$/
const MAIL = /^[^\s@,]+@[^\s@,]+\.[^\s@,]+$/

export const KINDS: readonly Kind[] = [
  kind(
    "email",
    "E-mail",
    ["mailto", "mailtos"],
    [
      {
        name: "to",
        label: "Send to",
        placeholder: "billing@example.com",
        hint: "Several: with commas.",
      },
      { name: "host", label: "Outgoing mail server", placeholder: "smtp.example.com:587" },
      { name: "from", label: "Sender", placeholder: "timeledger@example.com" },
      { name: "user", label: "User name at the server", optional: true },
      { name: "password", label: "Password", secret: true, optional: true },
    ],
    (given) => {
      const to = text(given, "to")
        .split(/[,;\s]+/)
        .filter(Boolean)
      const [host, from] = [text(given, "host"), text(given, "from")]
      const wrong: Record<string, string> = {}
      const bad = to.find((one) => !MAIL.test(one))
      if (bad) wrong.to = `“${bad}” is not an e-mail address.`
      if (!MAIL.test(from)) wrong.from = `“${from}” is not an e-mail address.`
      if (!HOST.test(host)) wrong.host = "Name the server, such as smtp.example.com:587."
      if (Object.keys(wrong).length > 0) return { wrong }
      const [user, password] = [text(given, "user"), given.password ?? ""]
      const query = [
        `smtp=${enc(host.split(":")[0] ?? host)}`,
        `from=${enc(from)}`,
        `to=${enc(to.join(","))}`,
        // Not before the host: there Apprise cuts a user name at its @.
        ...(user ? [`user=${enc(user)}`] : []),
        ...(user && password ? [`pass=${enc(password)}`] : []),
      ]
      return { address: `mailtos://${host}?${query.join("&")}` }
    },
  ),
  kind(
    "slack",
    "Slack",
    ["slack"],
    [
      {
        name: "url",
        label: "Incoming webhook",
        placeholder: "https://hooks.slack.com/services/…",
        hint: "Slack: Apps, Incoming Webhooks, Add to a channel, then copy the address.",
        secret: true,
      },
    ],
    (given) => {
      const path = /^https:\/\/hooks\.slack\.com\/services\/(\w+)\/(\w+)\/(\w+)\/?$/.exec(
        text(given, "url"),
      )
      if (path) return { address: `slack://${path[1]}/${path[2]}/${path[3]}` }
      return {
        wrong: { url: "It begins with https://hooks.slack.com/services/ and has three parts." },
      }
    },
  ),
  kind(
    "teams",
    "Microsoft Teams",
    ["workflow", "workflows", "msteams"],
    [
      {
        name: "url",
        label: "Workflow address",
        placeholder: "https://….logic.azure.com/workflows/…",
        hint: "Teams: the channel's menu, Workflows, “when a webhook request is received”, then copy the address.",
        secret: true,
      },
    ],
    (given) => {
      const address = url(text(given, "url"))
      const workflow = /\/workflows\/([^/]+)\//.exec(address?.pathname ?? "")?.[1]
      const signature = address?.searchParams.get("sig")
      if (address?.protocol === "https:" && workflow && signature) {
        return {
          address: `workflows://${address.hostname}:${address.port || 443}/${workflow}/${enc(signature)}/`,
        }
      }
      return {
        wrong: { url: "Copy the whole address: it has /workflows/ in it and ends with a sig=." },
      }
    },
  ),
  kind(
    "matrix",
    "Matrix",
    ["matrix", "matrixs"],
    [
      { name: "host", label: "Home server", placeholder: "matrix.example.com" },
      { name: "room", label: "Room", placeholder: "#billing:example.com" },
      { name: "user", label: "User name" },
      { name: "password", label: "Password or access token", secret: true },
    ],
    (given): Made => {
      const [host, room] = [text(given, "host").replace(/^https:\/\//, ""), text(given, "room")]
      if (!HOST.test(host))
        return { wrong: { host: "Name the server, such as matrix.example.com." } }
      if (!/^[#!]\S+$/.test(room)) return { wrong: { room: "A room begins with # or !." } }
      const login = `${enc(text(given, "user"))}:${enc(given.password ?? "")}`
      return { address: `matrixs://${login}@${host}/${enc(room)}` }
    },
  ),
  kind(
    "json",
    "Webhook (JSON)",
    ["json", "jsons"],
    [
      {
        name: "url",
        label: "Address",
        placeholder: "https://example.com/hooks/timeledger",
        hint: "Gets a POST with title and message.",
        secret: true,
      },
    ],
    (given) => {
      const address = url(text(given, "url"))
      if (address === null || !/^https?:$/.test(address.protocol)) {
        return { wrong: { url: "It begins with https:// ." } }
      }
      const scheme = address.protocol === "https:" ? "jsons" : "json"
      return { address: `${scheme}://${text(given, "url").replace(/^https?:\/\//i, "")}` }
    },
  ),
  kind(
    "other",
    "Another service",
    [],
    [
      {
        name: "url",
        label: "Apprise address",
        placeholder: "discord://…, tgram://…, ntfys://…",
        hint: "Any address of github.com/caronc/apprise: Discord, Telegram, ntfy and a hundred more.",
        secret: true,
      },
    ],
    (given) => {
      const address = text(given, "url")
      if (/^[a-z][a-z0-9]*:\/\//i.test(address)) return { address }
      return { wrong: { url: "It begins with the service's name and ://, such as discord://." } }
    },
  ),
]

/** "E-mail" for `mailtos`; a scheme that nobody knows stays itself. */
export function kindInWords(scheme: string): string {
  return KINDS.find((one) => one.schemes.includes(scheme))?.label ?? scheme
}

export function kindOf(scheme: string): Kind {
  const found = KINDS.find((one) => one.schemes.includes(scheme)) ?? KINDS.at(-1)
  if (found === undefined) throw new Error("There are no kinds of channels.")
  return found
}
