import { useEffect, useRef, useState } from "react"

/**
 * What is typed into a field whose trimmed text stands in the URL. The field keeps what was typed;
 * the URL follows `pause` ms after the last letter, if it `may`. What Back, Clear or a link put
 * there is taken over, what comes back of the field's own is not.
 */
export function useTyped(
  kept: string,
  tell: (text: string) => void,
  { pause, may = always }: { pause: number; may?: (text: string) => boolean },
): [string, (text: string) => void] {
  const [text, setText] = useState(kept)
  const [was, setWas] = useState(kept)
  const [told, setTold] = useState<readonly string[]>([]) // on their way into the URL
  if (kept !== was) {
    const own = told.indexOf(kept)
    setWas(kept)
    setTold(own < 0 ? [] : told.slice(own + 1))
    if (own < 0) setText(kept)
  }
  const latest = useRef({ tell, may })
  useEffect(() => {
    latest.current = { tell, may }
  })
  useEffect(() => {
    const wanted = text.trim()
    if (wanted === kept || !latest.current.may(wanted)) return
    const timer = setTimeout(() => {
      setTold((before) => [...before, wanted])
      latest.current.tell(wanted)
    }, pause)
    return () => clearTimeout(timer)
  }, [text, kept, pause])
  return [text, setText]
}

const always = () => true
