/** @file Collects ONNX nodes and initializers: equal nodes are emitted once, sizes that are known only at run time are read from
 *  the tensors that carry them. Knows no op of the table. */
import { create } from "@bufbuild/protobuf";
import { ShapeError } from "../errors.js";
import { factorsOf } from "./dims.js";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  NodeProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
} from "./onnx_pb.js";
import type { AttributeProto, NodeProto, TensorProto } from "./onnx_pb.js";
import type { Dim, Value } from "./types.js";

/** A float attribute; a plain number is an integer attribute. */
export interface FloatAttribute {
  readonly float: number;
}

export type AttributeValue = number | string | readonly number[] | FloatAttribute;

export interface EmitOptions {
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly domain?: "" | "com.microsoft";
  /** Number of outputs, 1 unless told. */
  readonly outputs?: number;
}

/** What a serving graph is compiled from. */
export interface ServedWeights {
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly quantize: (parameter: string) => boolean;
  readonly bits: 4 | 8;
}

export interface Emitter {
  /** Adds a node, or finds the equal one; gives the names of its outputs. */
  emit(operator: string, inputs: readonly string[], options?: EmitOptions): readonly [string, ...string[]];
  /** An int64 vector that holds these sizes at run time. */
  sizes(dims: readonly Dim[]): string;
  int64(values: readonly number[], shape?: readonly number[]): string;
  float32(values: Float32Array | readonly number[], shape: readonly number[]): string;
  /** A float32 scalar. */
  scalar(value: number): string;
  int8(name: string, values: Int8Array, shape: readonly number[]): string;
  uint8(name: string, values: Uint8Array, shape: readonly number[]): string;
  namedFloat32(name: string, values: Float32Array, shape: readonly number[]): string;
  /** Numbers of a parameter when it is compiled in, otherwise undefined. */
  weightOf(value: Value): Float32Array | undefined;
  /** True where this parameter is to be stored in fewer bits. */
  isQuantized(value: Value): boolean;
  /** Bits of the parameters that are. */
  readonly bits: 4 | 8;
}

function attributeOf(name: string, value: AttributeValue): AttributeProto {
  const type = AttributeProto_AttributeType;
  if (typeof value === "number") return create(AttributeProtoSchema, { name, type: type.INT, i: BigInt(value) });
  if (typeof value === "string")
    return create(AttributeProtoSchema, { name, type: type.STRING, s: new TextEncoder().encode(value) });
  if ("float" in value) return create(AttributeProtoSchema, { name, type: type.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: type.INTS, ints: value.map((entry) => BigInt(entry)) });
}

function bytesOf(data: ArrayBufferView): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(data.byteLength);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return bytes;
}

/** Emission state of one compilation. */
export class NodeEmitter implements Emitter {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  /** Prefix of node names: scope of the op that is being lowered. */
  scope = "";
  private readonly known = new Map<string, readonly [string, ...string[]]>();
  private readonly initializerNames = new Map<string, string>();
  private readonly symbolSources = new Map<string, { readonly name: string; readonly axis: number }>();

  /** `findSymbol` makes an unused input that carries a symbol part of the model, and gives its name and shape. */
  constructor(
    private readonly served: ServedWeights | undefined,
    private readonly findSymbol: (
      symbol: string,
    ) => { readonly name: string; readonly shape: readonly Dim[] } | undefined,
  ) {}

  /** Remembers where a symbol can be read. */
  addSymbols(name: string, shape: readonly Dim[]): void {
    shape.forEach((dim, axis) => {
      if (typeof dim === "string" && !this.symbolSources.has(dim)) this.symbolSources.set(dim, { name, axis });
    });
  }

  emit(operator: string, inputs: readonly string[], options: EmitOptions = {}): readonly [string, ...string[]] {
    const { attributes = {}, domain = "", outputs = 1 } = options;
    const key = JSON.stringify([operator, domain, inputs, attributes, outputs]);
    const found = this.known.get(key);
    if (found !== undefined) return found;
    const base = `${this.scope === "" ? "" : `${this.scope}.`}${operator}_${this.nodes.length}`;
    const names: [string, ...string[]] = [base];
    for (let i = 1; i < outputs; i++) names.push(`${base}:${i}`);
    const attribute = Object.entries(attributes).map(([name, value]) => attributeOf(name, value));
    this.nodes.push(
      create(NodeProtoSchema, { name: base, opType: operator, domain, input: [...inputs], output: names, attribute }),
    );
    this.known.set(key, names);
    return names;
  }

  sizes(dims: readonly Dim[]): string {
    if (dims.every((dim) => typeof dim === "number")) return this.int64(dims);
    const parts = dims.map((dim) => this.size(dim));
    const [only] = parts;
    return only !== undefined && parts.length === 1 ? only : this.emit("Concat", parts, { attributes: { axis: 0 } })[0];
  }

  private size(dim: Dim): string {
    if (typeof dim === "number") return this.int64([dim]);
    const factors = factorsOf(dim);
    if (!this.symbolSources.has(dim) && factors.length < 2) {
      const carrier = this.findSymbol(dim);
      if (carrier !== undefined) this.addSymbols(carrier.name, carrier.shape);
    }
    const source = this.symbolSources.get(dim);
    if (source !== undefined) {
      return this.emit("Shape", [source.name], { attributes: { start: source.axis, end: source.axis + 1 } })[0];
    }
    if (factors.length < 2) throw new ShapeError(`compileOnnx ${this.scope}: the size ${dim} is carried by no input`);
    return factors
      .map((factor) => this.size(factor))
      .reduce((product, factor) => this.emit("Mul", [product, factor])[0]);
  }

  int64(values: readonly number[], shape: readonly number[] = [values.length]): string {
    const data = BigInt64Array.from(values, (value) => BigInt(value));
    return this.initializer(
      `i64 ${shape.join("x")} ${values.join(",")}`,
      undefined,
      TensorProto_DataType.INT64,
      data,
      shape,
    );
  }

  float32(values: Float32Array | readonly number[], shape: readonly number[]): string {
    const data = values instanceof Float32Array ? values : Float32Array.from(values);
    const repeated = data.every((value) => value === data[0]);
    const key = repeated ? `f32 ${shape.join("x")} all ${data[0]}` : undefined;
    return this.initializer(key, undefined, TensorProto_DataType.FLOAT, data, shape);
  }

  scalar(value: number): string {
    return this.float32([value], []);
  }

  int8(name: string, values: Int8Array, shape: readonly number[]): string {
    return this.initializer(`name ${name}`, name, TensorProto_DataType.INT8, values, shape);
  }

  uint8(name: string, values: Uint8Array, shape: readonly number[]): string {
    return this.initializer(`name ${name}`, name, TensorProto_DataType.UINT8, values, shape);
  }

  namedFloat32(name: string, values: Float32Array, shape: readonly number[]): string {
    return this.initializer(`name ${name}`, name, TensorProto_DataType.FLOAT, values, shape);
  }

  private initializer(
    key: string | undefined,
    given: string | undefined,
    dataType: TensorProto_DataType,
    data: ArrayBufferView,
    shape: readonly number[],
  ): string {
    const found = key === undefined ? undefined : this.initializerNames.get(key);
    if (found !== undefined) return found;
    const name = given ?? `constant_${this.initializers.length}`;
    const dims = shape.map((size) => BigInt(size));
    this.initializers.push(create(TensorProtoSchema, { name, dims, dataType, rawData: bytesOf(data) }));
    if (key !== undefined) this.initializerNames.set(key, name);
    return name;
  }

  weightOf(value: Value): Float32Array | undefined {
    return this.served?.weights.get(value.name);
  }

  get bits(): 4 | 8 {
    return this.served?.bits ?? 8;
  }

  isQuantized(value: Value): boolean {
    return this.served !== undefined && this.served.weights.has(value.name) && this.served.quantize(value.name);
  }
}
