/** @file ONNX Runtime reports its use to its maker from 1.30 on, unless told not to before it starts (its pull request 27379). Here nothing leaves
 *  the machine that nobody asked for, so it is told, whoever wants it says `ORT_DISABLE_TELEMETRY=0`. The native runtime sees the environment of
 *  the process, which only the main thread can change: what starts a worker imports this too. */
process.env.ORT_DISABLE_TELEMETRY ??= "1";
