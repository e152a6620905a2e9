// A page that is opened from the disk may start no worker, and search is one. Here its script runs in a hidden frame.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      this.waiting = []
      const frame = document.createElement("iframe")
      frame.hidden = true
      document.body.append(frame)
      const inside = frame.contentWindow
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }))
      inside.importScripts = (...urls) => Promise.all(urls.map((one) => load(inside, new URL(one, url))))
      this.frame = frame
      load(inside, url).then(() => {
        this.ready = true
        this.waiting.splice(0).forEach((data) => this.postMessage(data))
      })
    }
    postMessage(data) {
      if (!this.ready) return void this.waiting.push(data)
      this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data }))
    }
    terminate() {
      this.frame.remove()
    }
  }
  function load(inside, url) {
    return new Promise((done, failed) => {
      const script = inside.document.createElement("script")
      Object.assign(script, { src: url, onload: done, onerror: failed })
      inside.document.body.append(script)
    })
  }
}
