/** A template of Preact without a build step. */
export interface VNode {
  readonly type: unknown;
  readonly props: unknown;
}

export declare function html(strings: TemplateStringsArray, ...values: unknown[]): VNode;
