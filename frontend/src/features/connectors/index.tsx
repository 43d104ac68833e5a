import { SectionHead } from "@/app/section-frame"

export default function Connectors() {
  return <SectionHead id="connectors" title="Connectors" />
}
