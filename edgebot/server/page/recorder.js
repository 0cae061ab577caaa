// An audio worklet: 16-bit samples of what the browser's microphone hears, a tenth of a second each.

class Recorder extends AudioWorkletProcessor {
  constructor() {
    super();
    this.samples = new Int16Array(Math.round(sampleRate / 10));
    this.filled = 0;
    this.port.onmessage = () => { this.flush(); this.port.postMessage(null); };
  }

  process([input]) {
    for (const value of input[0] || []) {
      this.samples[this.filled++] = Math.max(-1, Math.min(1, value)) * 32767;
      if (this.filled === this.samples.length) this.flush();
    }
    return true;
  }

  flush() {
    const piece = this.samples.slice(0, this.filled);
    this.filled = 0;
    this.port.postMessage(piece.buffer, [piece.buffer]);
  }
}

registerProcessor("recorder", Recorder);
