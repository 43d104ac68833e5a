import { SectionHead } from "@/app/section-frame"

export default function Mappings() {
  return <SectionHead id="mappings" title="Mappings" />
}
