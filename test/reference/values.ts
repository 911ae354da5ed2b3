// Values: what CPU twins read — any list of numbers, a tensor's elements in row-major order.
export type Values = ArrayLike<number>;
