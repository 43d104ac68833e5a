// The weights of design.md, section 12, in gzip; the build fails that is heavier.
import { readdirSync, readFileSync } from "node:fs"
import { gzipSync } from "node:zlib"

const KB = 1000
const DIST = new URL("../dist/", import.meta.url)
const LIMITS = { first: 210 * KB, chart: 110 * KB, lazy: 40 * KB, css: 18 * KB, font: 30 * KB }
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", DIST), "utf-8"))
const weight = (file) => gzipSync(readFileSync(new URL(file, DIST))).length

const entry = Object.values(manifest).find((chunk) => chunk.isEntry)
const first = new Set()
const follow = (chunk) => {
  if (first.has(chunk.file)) return
  first.add(chunk.file)
  for (const name of chunk.imports ?? []) follow(manifest[name])
}
follow(entry)
const found = []
const check = (what, bytes, limit) => {
  const line = `${what}: ${(bytes / KB).toFixed(1)} of ${limit / KB} kB`
  if (bytes > limit) found.push(line)
  return line
}
const sum = (files) => [...files].reduce((total, file) => total + weight(file), 0)
console.log(check("first load, script", sum(first), LIMITS.first))
console.log(check("styles", sum(entry.css ?? []), LIMITS.css))
for (const file of readdirSync(new URL("assets/", DIST))) {
  const path = `assets/${file}`
  if (file.startsWith("geist-latin-wght") && file.endsWith(".woff2")) {
    check("first font", readFileSync(new URL(path, DIST)).length, LIMITS.font)
  } else if (file.endsWith(".js") && !first.has(path)) {
    check(file, weight(path), /^(chart|recharts)/.test(file) ? LIMITS.chart : LIMITS.lazy)
  }
}
if (found.length > 0) {
  console.error(`Too heavy:\n  ${found.join("\n  ")}`)
  process.exit(1)
}
