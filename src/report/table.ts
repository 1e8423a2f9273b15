/** @file What a table of the report is before it is written for the terminal, Markdown or a page. */

export interface Column {
  readonly title: string;
  readonly numeric: boolean;
}

export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
}
