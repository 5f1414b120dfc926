"""Big-endian numbers anywhere in a buffer, for kernels: one load and a swap each.

Nothing checks the place: all octets of the number must be in the buffer.
"""

from typing import Any

from llvmlite import ir

from caudal.collector.columns.kernel import numba

types = numba.core.types


def _reader(bits: int) -> Any:
    def read(typing: Any, buffer: Any, at: Any) -> Any:  # noqa: ARG001 - numba asks for these names
        """Return the number at place `at` of an array of octets, as an unsigned one of 64 bits."""

        def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
            octets = context.make_array(signature.args[0])(context, builder, arguments[0]).data
            place = builder.bitcast(builder.gep(octets, [arguments[1]]), ir.IntType(bits).as_pointer())
            value = builder.bswap(builder.load(place, align=1))
            return builder.zext(value, ir.IntType(64)) if bits < 64 else value

        return types.uint64(buffer, types.int64), generate

    return numba.extending.intrinsic(read)


big16, big32, big64 = _reader(16), _reader(32), _reader(64)
