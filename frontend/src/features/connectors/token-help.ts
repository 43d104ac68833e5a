import type { Kind } from "./words"

/** Where a token is made, and which one it has to be. */
export const TOKEN_HELP: Record<Kind, string> = {
  zammad:
    "In Zammad: your avatar, Profile, Token Access, Create. Tick ticket.agent, and admin.time_accounting so that all bookings are found at once.",
  kimai:
    "In Kimai: your name, API access, Create. The account should be a team lead who may edit other users' timesheets.",
}
