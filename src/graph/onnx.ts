/** @file Lowers a graph to an ONNX model: only what the outputs need, each op by the column of its row, weights as inputs (train)
 *  or as initializers (serve). Opset 21, IR 10. Knows no op in particular and no runtime. */
import { create, toBinary } from "@bufbuild/protobuf";
import { InputError, InvariantError } from "../errors.js";
import { formatShape, productOf } from "./dims.js";
import { NodeEmitter } from "./emitter.js";
import { scopeOf } from "./graph.js";
import { ModelProtoSchema, NodeProtoSchema, TensorProto_DataType, ValueInfoProtoSchema } from "./onnx_pb.js";
import { rowOf } from "./ops.js";
import { evaluationOrder } from "./walk.js";
import type { Graph } from "./graph.js";
import type { ModelProto, ValueInfoProto } from "./onnx_pb.js";
import type { Dim, OpKind, OpNode, Provider, Purpose, Value, ValueType } from "./types.js";

export interface CompileOptions {
  /** Results by the name they get in the model. */
  readonly outputs: Readonly<Record<string, Value>>;
  readonly purpose: Purpose;
  readonly provider?: Provider;
  /** Numbers of all parameters, by name; needed to serve. */
  readonly weights?: ReadonlyMap<string, Float32Array>;
  /** Which parameters to store in fewer bits when serving; none unless told. */
  readonly quantize?: (parameter: string) => boolean;
  /** Bits of those; 8 unless told. What 4 bits do not suit stays at 8. */
  readonly bits?: 4 | 8;
}

const ONNX_TYPES = {
  f32: TensorProto_DataType.FLOAT,
  i64: TensorProto_DataType.INT64,
  bool: TensorProto_DataType.BOOL,
} as const;

function valueInfo(name: string, shape: readonly Dim[], type: ValueType): ValueInfoProto {
  const dim = shape.map((size) =>
    typeof size === "number"
      ? { value: { case: "dimValue" as const, value: BigInt(size) } }
      : { value: { case: "dimParam" as const, value: size } },
  );
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: "tensorType", value: { elemType: ONNX_TYPES[type], shape: { dim } } } },
  });
}

/** One compilation: the names that values have got, and what is still missing. */
class Compilation {
  readonly emitter: NodeEmitter;
  readonly fed: Value[] = [];
  private readonly names = new Map<number, string>();

  constructor(
    private readonly graph: Graph,
    private readonly options: CompileOptions,
  ) {
    const { quantize = () => false, bits = 8 } = options;
    const weights = options.purpose === "serve" ? options.weights : undefined;
    const served = weights === undefined ? undefined : { weights, quantize, bits };
    this.emitter = new NodeEmitter(served, (symbol) => this.carrierOf(symbol));
  }

  run(): void {
    const order = evaluationOrder(this.graph, Object.values(this.options.outputs), (node) => this.dependenciesOf(node));
    for (const value of order) if (this.graph.nodeOf(value) === undefined) this.addSource(value);
    for (const value of order) {
      const node = this.graph.nodeOf(value);
      if (node !== undefined) this.names.set(value.id, this.lower(node));
    }
  }

  nameOf(value: Value): string {
    const name = this.names.get(value.id);
    if (name === undefined) throw new InvariantError(`${value.name} is used before it is lowered`);
    return name;
  }

  private dependenciesOf(node: OpNode): readonly Value[] {
    return this.loweringOf(node) === "composed" ? [this.graph.compositionOf(node)] : node.inputs;
  }

  private loweringOf<K extends OpKind>(node: OpNode<K>) {
    return rowOf(node.kind).lower[this.options.provider ?? "cpu"][this.options.purpose];
  }

  private lower<K extends OpKind>(node: OpNode<K>): string {
    const lowering = this.loweringOf(node);
    if (lowering === "composed") return this.nameOf(this.graph.compositionOf(node));
    this.emitter.scope = scopeOf(node.output.name);
    return lowering({ ...node, emitter: this.emitter, names: node.inputs.map((input) => this.nameOf(input)) });
  }

  /** An input that no result needs, but whose size one does. */
  private carrierOf(symbol: string): Value | undefined {
    const { inputs, parameters } = this.graph;
    const carriers = this.options.purpose === "serve" ? inputs : [...inputs, ...parameters];
    const found = carriers.find((value) => value.shape.includes(symbol) && !this.fed.includes(value));
    if (found !== undefined) this.fed.push(found);
    return found;
  }

  private addSource(value: Value): void {
    const constant = this.graph.constantOf(value);
    if (constant !== undefined) {
      this.names.set(value.id, this.emitter.float32(constant.data, constant.shape));
      return;
    }
    const isCompiledIn = this.options.purpose === "serve" && this.graph.parameters.includes(value);
    if (isCompiledIn) this.addWeight(value);
    else {
      this.fed.push(value);
      this.emitter.addSymbols(value.name, value.shape);
    }
    this.names.set(value.id, value.name);
  }

  private addWeight(value: Value): void {
    const data = this.options.weights?.get(value.name);
    const size = productOf(value.shape);
    if (data === undefined)
      throw new InputError(`compileOnnx: no weights for parameter ${value.name} ${formatShape(value.shape)}`);
    if (data.length !== size) {
      throw new InputError(
        `compileOnnx: parameter ${value.name} ${formatShape(value.shape)} needs ${size} numbers, got ${data.length}`,
      );
    }
    const shape = value.shape.map((dim) => (typeof dim === "number" ? dim : 1));
    this.emitter.namedFloat32(value.name, data, shape);
  }
}

/** Gives results their names, by renaming the node's output where it has only one name to bear. */
function nameOutputs(emitter: NodeEmitter, outputs: readonly (readonly [string, string])[]): void {
  const produced = new Set(emitter.nodes.flatMap((node) => node.output));
  const renamed = new Map<string, string>();
  for (const [name, emitted] of outputs) {
    if (produced.has(emitted) && !renamed.has(emitted)) renamed.set(emitted, name);
    else
      emitter.nodes.push(
        create(NodeProtoSchema, { name: `output ${name}`, opType: "Identity", input: [emitted], output: [name] }),
      );
  }
  for (const node of emitter.nodes) {
    node.input = node.input.map((input) => renamed.get(input) ?? input);
    node.output = node.output.map((output) => renamed.get(output) ?? output);
  }
}

/** The model as a message, for those who look into it. @throws InputError when a weight is missing or has the wrong size. */
export function compileModel(graph: Graph, options: CompileOptions): ModelProto {
  const compilation = new Compilation(graph, options);
  compilation.run();
  const { emitter, fed } = compilation;
  const outputs = Object.entries(options.outputs);
  nameOutputs(
    emitter,
    outputs.map(([name, value]) => [name, compilation.nameOf(value)]),
  );
  const used = new Set(emitter.nodes.flatMap((node) => node.input));
  return create(ModelProtoSchema, {
    irVersion: 10n,
    producerName: "joryu",
    opsetImport: [
      { domain: "", version: 21n },
      { domain: "com.microsoft", version: 1n },
    ],
    graph: {
      name: options.purpose,
      node: emitter.nodes,
      initializer: emitter.initializers.filter((initializer) => used.has(initializer.name)),
      input: fed.map((value) => valueInfo(value.name, value.shape, value.type)),
      output: outputs.map(([name, value]) => valueInfo(name, value.shape, value.type)),
    },
  });
}

/** Bytes of an ONNX model that computes `outputs`. @throws InputError when a weight is missing or has the wrong size. */
export function compileOnnx(graph: Graph, options: CompileOptions): Uint8Array {
  return toBinary(ModelProtoSchema, compileModel(graph, options));
}
