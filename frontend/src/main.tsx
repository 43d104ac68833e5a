import "@fontsource-variable/geist"
import "@fontsource-variable/geist-mono"
import "./app/styles.css"
import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import { createQueryClient } from "./api/query-client"
import { App } from "./app/app"

// Begun before the session is known: the first section is what a person waits for.
void import("./features/dashboard")

const root = document.getElementById("root")
if (root === null) throw new Error("index.html has no #root.")
createRoot(root).render(
  <StrictMode>
    <App client={createQueryClient()} />
  </StrictMode>,
)
