/** @file The package's door: what a program needs to use a student. */
export { openStudent, studentSizeBytes, type OpenStudentOptions } from "./student/open.js";
export type { Prediction, Student } from "./student/student.js";
export type { InputMessage, InputPart, StudentInput } from "./template/input.js";
export type { StudentManifest } from "./student/manifest.js";
export { JoryuError } from "./errors.js";
export { VERSION } from "./version.js";
