/** @file The version of the package: part of every run's identity. A constant, so that bundled programs know it too. */

/** As package.json says. */
export const VERSION = "0.1.0";
