// The browser's microphone, open only while the button is held.

import { live } from "/api.js";

export class Microphone {
  // onLevel: loudness 0 … 1.
  constructor(onLevel) {
    this.onLevel = onLevel;
    this.recording = null;
  }

  async start() {
    if (this.recording) return;
    const token = (this.recording = {});
    if (!navigator.mediaDevices) throw new Error("The browser gives its microphone to secure pages only (https or localhost).");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true } });
    } catch {
      this.recording = null;
      throw new Error("The browser's microphone may not be used, or there is none.");
    }
    if (this.recording !== token) return void stream.getTracks().forEach((track) => track.stop());
    const context = new AudioContext({ sampleRate: 16000 });
    await context.audioWorklet.addModule("/recorder.js");
    const node = new AudioWorkletNode(context, "recorder");
    Object.assign(token, { stream, context, node });
    live.send({ type: "speech", spoken: true, rate_hz: context.sampleRate });
    node.port.onmessage = (message) => this.take(token, message.data);
    context.createMediaStreamSource(stream).connect(node);
    if (token.ending) this.finish(token);
  }

  take(token, piece) {
    if (piece === null) return this.close(token);
    if (!piece.byteLength) return;
    const samples = new Int16Array(piece);
    let most = 0;
    for (const value of samples) most = Math.max(most, Math.abs(value));
    this.onLevel(Math.min(1, most / 20000));
    if (live.open) live.send(piece);
  }

  stop() {
    const token = this.recording;
    if (!token) return;
    if (!token.node) { this.recording = null; return; }
    this.finish(token);
  }

  finish(token) {
    token.node.port.postMessage("end");
  }

  close(token) {
    token.stream.getTracks().forEach((track) => track.stop());
    token.context.close();
    this.recording = null;
    this.onLevel(0);
    if (live.open) live.send({ type: "speech_end" });
  }
}
