/**
 * The demo as a new user starts it, for the end-to-end tests: embedded PostgreSQL, sandbox peers,
 * a month of bookings, on free ports, in a folder of its own; one for each worker, so that no file
 * meets what another one does. Needs `npm run build` before.
 * With TIMELEDGER_DEMO=<path of a demo.json> the tests use a demo that runs already.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { TestProject } from "vitest/node"

const ROOT = fileURLToPath(new URL("../../", import.meta.url))
const PATIENCE = 150_000 // ms until the month is carried across; 20 s on a quiet machine

export type Demo = {
  url: string
  username: string
  password: string
  zammad_url: string
  zammad_token: string
  kimai_url: string
  kimai_token: string
  webhook_secret: string
}

declare module "vitest" {
  interface ProvidedContext {
    demos: Demo[]
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0))
    })
  })
}

async function started(folder: string, ...more: string[]): Promise<ChildProcess> {
  const [port, zammad, kimai] = await Promise.all([freePort(), freePort(), freePort()])
  const python = join(
    ROOT,
    ".venv",
    ...(process.platform === "win32" ? ["Scripts", "python.exe"] : ["bin", "python"]),
  )
  const demo = spawn(python, ["-m", "api.cli", "demo", ...more], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      PYTHONPATH: join(ROOT, "src"),
      TERM: "dumb",
      PORT: String(port),
      ZAMMAD_PORT: String(zammad),
      KIMAI_PORT: String(kimai),
    },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let said = ""
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`The demo is not ready:\n${said}`)), PATIENCE)
    const hear = (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes("Ctrl-C stops everything")) {
        clearTimeout(late)
        resolve()
      }
    }
    demo.stdout?.on("data", hear)
    demo.stderr?.on("data", hear)
    demo.once("exit", (code) => reject(new Error(`The demo ended with ${code}:\n${said}`)))
  }).catch(async (error: unknown) => {
    await stopped(demo, folder)
    throw error
  })
  return demo
}

async function stopped(demo: ChildProcess, folder: string): Promise<void> {
  if (demo.exitCode === null && demo.signalCode === null) {
    const ended = new Promise((resolve) => demo.once("exit", resolve))
    demo.kill("SIGINT")
    await ended
  }
  rmSync(folder, { recursive: true, force: true })
}

type House = { demo: Demo; stop: () => Promise<void> }

async function house(...more: string[]): Promise<House> {
  const folder = mkdtempSync(join(tmpdir(), "timeledger-e2e-"))
  const process = await started(folder, ...more)
  const demo: Demo = JSON.parse(readFileSync(join(folder, ".demo", "demo.json"), "utf-8"))
  return { demo, stop: () => stopped(process, folder) }
}

/** One in which nothing is connected yet, for who sets it up from nothing. */
export const bareHouse = (): Promise<House> => house("--bare")

export default async function setup(project: TestProject) {
  const running = process.env.TIMELEDGER_DEMO
  if (running) {
    project.provide("demos", [JSON.parse(readFileSync(running, "utf-8"))])
    return
  }
  if (!existsSync(join(ROOT, "frontend", "dist", "index.html"))) {
    throw new Error("The dashboard is not built: npm run build")
  }
  const tried = await Promise.allSettled(
    Array.from({ length: project.config.maxWorkers }, () => house()),
  )
  const houses = tried.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []))
  const stop = () => Promise.all(houses.map((one) => one.stop()))
  const failed = tried.find((one) => one.status === "rejected")
  if (failed) {
    await stop()
    throw failed.reason
  }
  project.provide(
    "demos",
    houses.map(({ demo }) => demo),
  )
  return stop
}
