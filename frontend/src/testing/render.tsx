import { render } from "@testing-library/react"
import userEvent from "@testing-library/user-event"
import type { ReactElement } from "react"
import { createQueryClient } from "../api/query-client"
import type { Role } from "../api/shapes"
import { App, Foundation, SignedIn } from "../app/app"
import { answering, example } from "./server"

type Options = {
  /** Address of the page, with its query and hash. */
  at?: string
  role?: Role
}

/** A component as it stands in the page: signed in, live, with the recorded answers behind it. */
export function renderWithApp(element: ReactElement, { at = "/", role = "admin" }: Options = {}) {
  window.history.replaceState(null, "", at)
  if (role !== "admin") answering("GET /users/me", { ...example("GET /users/me"), role })
  const client = createQueryClient({ patient: false })
  const user = userEvent.setup()
  const view = render(
    <Foundation client={client}>
      <SignedIn>{element}</SignedIn>
    </Foundation>,
  )
  return { ...view, client, user }
}

/** The whole page at an address. */
export function renderApp({ at = "/" }: { at?: string } = {}) {
  window.history.replaceState(null, "", at)
  const client = createQueryClient({ patient: false })
  const user = userEvent.setup()
  return { ...render(<App client={client} />), client, user }
}
