import {
  ArrowRightLeft,
  Bell,
  ChevronsUpDown,
  Keyboard,
  KeyRound,
  LogOut,
  Monitor,
  Moon,
  ShieldAlert,
  ShieldCheck,
  Sun,
  Users,
} from "lucide-react"
import { Link, useLocation } from "react-router"
import { useRead } from "@/api/hooks"
import { Count } from "@/ui/bits"
import { IconButton } from "@/ui/button"
import { cn } from "@/ui/cn"
import { formatInstant, formatNumber } from "@/ui/format"
import { Menu, MenuChoice, MenuItem, MenuLabel, MenuSeparator } from "@/ui/menu"
import { chain, kpi, unmapped } from "./reads"
import { useSession } from "./session"
import { SECTIONS, type SectionId } from "./slots"
import { type ThemeChoice, useTheme } from "./theme"
import { useMoment } from "./time-machine"
import { useDialog } from "./url-state"

type Due = { count: number; look: "amber" | "solid"; words: string } | null

/** Counts only where somebody has to act. */
function useDue(): Partial<Record<SectionId, Due>> {
  const { asOf } = useMoment()
  const { data } = useRead(kpi())
  const waiting =
    useRead(unmapped(), { enabled: asOf === null && (data?.active_connectors ?? 0) >= 2 }).data ?? 0
  const open = data?.open_conflicts ?? 0
  if (asOf !== null) return {} // in the past nobody has to act
  return {
    mappings: waiting > 0 ? { count: waiting, look: "amber", words: "not mapped" } : null,
    reconcile: open > 0 ? { count: open, look: "solid", words: "need a decision" } : null,
  }
}

export function Brand({ className }: { className?: string }) {
  return (
    <span className={cn("flex items-center gap-3", className)}>
      <span
        aria-hidden
        className="grid size-8 shrink-0 place-items-center rounded-[8px] bg-primary text-primary-ink"
      >
        <ArrowRightLeft className="size-4.5" />
      </span>
      <span className="grid">
        <span className="font-semibold text-table">Timeledger</span>
      </span>
    </span>
  )
}

export function Sidebar({ active }: { active: SectionId }) {
  const due = useDue()
  const { search } = useLocation()
  return (
    <aside className="fixed inset-y-0 left-0 z-30 flex w-58 flex-col overflow-y-auto border-line border-r bg-sunken max-lg:hidden">
      <div className="flex h-14 shrink-0 items-center px-4">
        <Brand />
      </div>
      <nav aria-label="Sections" className="flex-1 px-2.5 py-2">
        <ul className="grid gap-0.5">
          {SECTIONS.map(({ id, label, icon: Icon }) => (
            <li key={id}>
              <Link
                to={{ search, hash: id }}
                aria-current={id === active ? "true" : undefined}
                className={cn(
                  "flex h-9 items-center gap-3 rounded-control border border-transparent px-2.5 font-medium text-ink2 text-table hover:bg-hover hover:text-ink",
                  id === active && "border-line bg-surface text-ink hover:bg-surface",
                )}
              >
                <Icon aria-hidden className="size-4 shrink-0" />
                {label}
                {due[id] && (
                  <span className="ml-auto">
                    <Count value={due[id].count} look={due[id].look} />
                    <span className="sr-only">{due[id].words}</span>
                  </span>
                )}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <ChainBadge />
      <div className="flex items-center gap-1 border-line border-t px-2.5 py-2.5">
        <UserMenu />
        <ThemeMenu />
      </div>
    </aside>
  )
}

function ChainBadge() {
  // The chain is that of the whole ledger, whichever moment is shown; a check is dear.
  const { data, isError } = useRead(chain(), { at: "now" })
  const { search } = useLocation()
  const { timezone } = useSession()
  if (data === undefined && !isError) return <div className="h-14" />
  const broken = data !== undefined && !data.ok
  const Icon = broken || isError ? ShieldAlert : ShieldCheck
  const words = isError && !data ? "Chain not checked" : broken ? "Chain broken" : "Chain verified"
  const detail =
    data === undefined
      ? "The check did not come through"
      : broken
        ? `at event ${formatNumber(data.first_bad_position ?? 0)}`
        : `${formatNumber(data.checked_to)} events, ${formatInstant(data.at, "time", timezone)}`
  return (
    <Link
      to={{ search, hash: "audit" }}
      className="mx-2.5 mb-1.5 flex min-h-14 items-start gap-3 rounded-control px-2.5 py-2 text-table hover:bg-hover"
    >
      <Icon
        aria-hidden
        className={cn(
          "mt-0.5 size-4 shrink-0",
          broken ? "text-failed" : isError ? "text-ink3" : "text-synced",
        )}
      />
      <span>
        <span className={cn("block font-medium", broken && "text-failed")}>{words}</span>
        <span className="text-ink2 text-meta">{detail}</span>
      </span>
    </Link>
  )
}

function initials(name: string): string {
  const words = name.split(/[\s._-]+/).filter(Boolean)
  return (
    (words[0]?.[0] ?? "?") + (words.length > 1 ? (words.at(-1)?.[0] ?? "") : "")
  ).toUpperCase()
}

const ROLES = { admin: "Administrator", operator: "Operator", viewer: "Viewer" }

export function UserMenu({ small = false }: { small?: boolean }) {
  const { user, signOut } = useSession()
  const { open } = useDialog()
  const name = user.full_name || user.username
  return (
    <Menu
      align="start"
      trigger={
        <button
          type="button"
          aria-label={`Account of ${name}`}
          className={cn(
            "flex items-center gap-3 rounded-control text-left hover:bg-hover",
            small ? "finger size-8 justify-center" : "min-w-0 flex-1 px-1.5 py-1.5",
          )}
        >
          <span
            aria-hidden
            className="grid size-8 shrink-0 place-items-center rounded-full bg-accent-soft font-semibold text-accent text-meta"
          >
            {initials(name)}
          </span>
          {!small && (
            <>
              <span className="min-w-0 flex-1">
                <span className="block truncate font-medium text-table">{name}</span>
                <span className="block text-ink2 text-meta">{ROLES[user.role]}</span>
              </span>
              <ChevronsUpDown aria-hidden className="size-4 shrink-0 text-ink3" />
            </>
          )}
        </button>
      }
    >
      {small && <MenuLabel>{`${name}, ${ROLES[user.role]}`}</MenuLabel>}
      <MenuItem icon={<KeyRound aria-hidden />} onSelect={() => open("password")}>
        Change password…
      </MenuItem>
      {user.role === "admin" && (
        <>
          <MenuItem icon={<Users aria-hidden />} onSelect={() => open("accounts")}>
            Accounts…
          </MenuItem>
          <MenuItem icon={<Bell aria-hidden />} onSelect={() => open("notifications")}>
            Notifications…
          </MenuItem>
        </>
      )}
      <MenuItem icon={<Keyboard aria-hidden />} hint="?" onSelect={() => open("shortcuts")}>
        Keyboard shortcuts
      </MenuItem>
      {small && (
        <>
          <MenuSeparator />
          <ThemeChoices />
        </>
      )}
      <MenuSeparator />
      <MenuItem icon={<LogOut aria-hidden />} onSelect={() => void signOut()}>
        Sign out
      </MenuItem>
    </Menu>
  )
}

const THEMES: readonly { value: ThemeChoice; label: string; icon: React.ReactNode }[] = [
  { value: "light", label: "Light", icon: <Sun aria-hidden /> },
  { value: "dark", label: "Dark", icon: <Moon aria-hidden /> },
  { value: "system", label: "As the system", icon: <Monitor aria-hidden /> },
]

function ThemeChoices() {
  const { choice, choose } = useTheme()
  return <MenuChoice value={choice} onChange={choose} options={THEMES} />
}

export function ThemeMenu() {
  const { shown } = useTheme()
  return (
    <Menu
      trigger={
        <IconButton label="Theme">
          {shown === "dark" ? <Sun aria-hidden /> : <Moon aria-hidden />}
        </IconButton>
      }
    >
      <ThemeChoices />
    </Menu>
  )
}

export function BottomBar({ active }: { active: SectionId }) {
  const due = useDue()
  const { search } = useLocation()
  return (
    <nav
      aria-label="Sections"
      className="fixed inset-x-0 bottom-0 z-30 border-line border-t bg-surface pb-[env(safe-area-inset-bottom)] lg:hidden"
    >
      <ul className="mx-auto grid max-w-2xl grid-cols-5">
        {SECTIONS.map(({ id, label, icon: Icon }) => (
          <li key={id}>
            <Link
              to={{ search, hash: id }}
              aria-current={id === active ? "true" : undefined}
              className={cn(
                "grid h-16 place-items-center content-center gap-1 text-axis text-ink2 -outline-offset-4",
                id === active && "font-semibold text-ink",
              )}
            >
              <span className="relative">
                <Icon aria-hidden className="size-5" />
                {due[id] && (
                  <Count
                    value={due[id].count}
                    look={due[id].look === "amber" ? "amber" : "solid"}
                    className="-top-2 absolute left-3 h-4.5 rounded-full text-axis"
                  />
                )}
              </span>
              <span className="max-w-full truncate px-0.5">{label}</span>
              {due[id] && <span className="sr-only">{due[id].words}</span>}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}
