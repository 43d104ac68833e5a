/** The stream as a test plays it: `FakeEventSource.last.send("head", 7, { touched: ["kpi"] })`. */
export class FakeEventSource extends EventTarget {
  static all: FakeEventSource[] = []
  static get last(): FakeEventSource {
    const last = FakeEventSource.all.at(-1)
    if (last === undefined) throw new Error("Nothing opened a stream yet.")
    return last
  }
  readyState = 0

  constructor(readonly url: string) {
    super()
    FakeEventSource.all.push(this)
  }

  opens() {
    this.readyState = 1
    this.dispatchEvent(new Event("open"))
  }

  send(event: string, position: number | null, data: object) {
    const lastEventId = position === null ? "" : String(position)
    this.dispatchEvent(new MessageEvent(event, { data: JSON.stringify(data), lastEventId }))
  }

  /** `refused`: an answer that is no stream (401, 503); else the connection broke. */
  breaks({ refused = false } = {}) {
    this.readyState = refused ? 2 : 0
    this.dispatchEvent(new Event("error"))
  }

  close() {
    this.readyState = 2
  }
}
