import { SectionHead } from "@/app/section-frame"

export default function FirstRun() {
  return <SectionHead id="dashboard" title="Set up Timeledger" top />
}
