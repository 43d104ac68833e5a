import { SectionHead } from "@/app/section-frame"

export default function Dashboard() {
  return <SectionHead id="dashboard" title="Dashboard" top />
}
