"""Which TensorFlow operations a model file may contain.

A GraphDef is a program. lucidx runs one only if every operation computes on its inputs and touches
nothing else: no files, network, Python, variables or other state. The list is one of what is
allowed.
"""

from __future__ import annotations

from collections.abc import Iterable

from lucidx.errors import UnsafeFileError

PURE_OPS = frozenset(
    """
    Abs Acos Acosh Add AddN AddV2 AdjustContrastv2 AdjustHue AdjustSaturation All Any ArgMax
    ArgMin Asin Asinh Assert Atan Atan2 Atanh AvgPool AvgPool3D BatchMatMul BatchMatMulV2
    BatchMatMulV3 BatchNormWithGlobalNormalization BatchToSpace BatchToSpaceND BiasAdd
    BiasAddV1 Bitcast BroadcastArgs BroadcastTo Bucketize Cast Ceil CheckNumerics ClipByValue
    Complex ComplexAbs Concat ConcatOffset ConcatV2 Conj Const Conv Conv2D Conv2DBackpropInput
    Conv3D Conv3DBackpropInputV2 Cos Cosh CropAndResize CropAndResizeV2 Cross Cumprod Cumsum
    DataFormatDimMap DataFormatVecPermute DepthToSpace DepthwiseConv2dNative
    DepthwiseConv2dNativeBackpropInput Dequantize Diag DiagPart Dilation2D Div DivNoNan
    DynamicPartition DynamicStitch Einsum Elu EnsureShape Enter Equal Erf Erfc Erfinv Exit Exp
    ExpandDims Expm1 ExtractImagePatches FFT FFT2D FakeQuantWithMinMaxArgs
    FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel Fill Floor FloorDiv FloorMod
    FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 FusedPadConv2D Gather GatherNd GatherV2
    Greater GreaterEqual GuaranteeConst HSVToRGB IFFT IFFT2D IRFFT IRFFT2D Identity IdentityN
    If ImageProjectiveTransformV2 ImageProjectiveTransformV3 InTopK InTopKV2 Inv
    InvertPermutation IsFinite IsInf IsNan L2Loss LRN LeakyRelu Less LessEqual Lgamma LinSpace
    Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr LoopCond MatMul MatrixBandPart
    MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3
    MatrixInverse MatrixSetDiagV3 MatrixTranspose Max MaxPool MaxPool3D MaxPoolV2
    MaxPoolWithArgmax Maximum Mean Merge Min Minimum MirrorPad Mod Mul MulNoNan Multinomial
    Neg NextIteration NoOp NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3
    NonMaxSuppressionV4 NonMaxSuppressionV5 NotEqual OneHot OnesLike Pack Pad PadV2
    ParallelConcat ParallelDynamicStitch PartitionedCall Placeholder PlaceholderV2
    PlaceholderWithDefault Pow PreventGradient Prod Qr QuantizeAndDequantizeV2
    QuantizeAndDequantizeV3 QuantizeAndDequantizeV4 RFFT RFFT2D RGBToHSV RandomGamma
    RandomShuffle RandomStandardNormal RandomUniform RandomUniformInt Range Rank Real RealDiv
    Reciprocal RefEnter RefExit RefIdentity RefMerge RefNextIteration RefSwitch Relu Relu6
    Reshape ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor Reverse
    ReverseSequence ReverseV2 RightShift Rint Roll Round Rsqrt ScatterNd
    ScatterNdNonAliasingAdd SegmentMax SegmentMean SegmentMin SegmentSum Select SelectV2 Selu
    Shape ShapeN Sigmoid Sign Sin Sinh Size Slice Snapshot Softmax
    SoftmaxCrossEntropyWithLogits Softplus Softsign SpaceToBatch SpaceToBatchND SpaceToDepth
    SparseToDense Split SplitV Sqrt Square SquaredDifference Squeeze StatefulPartitionedCall
    StatelessCase StatelessIf StatelessRandomGetAlg StatelessRandomGetKeyCounter
    StatelessRandomNormal StatelessRandomNormalV2 StatelessRandomUniform
    StatelessRandomUniformV2 StatelessTruncatedNormalV2 StatelessWhile StopGradient
    StridedSlice Sub Sum Svd Switch Tan Tanh TensorListElementShape TensorListFromTensor
    TensorListGetItem TensorListLength TensorListReserve TensorListSetItem TensorListStack
    TensorScatterAdd TensorScatterUpdate Tile TopK TopKV2 Transpose TruncateDiv TruncateMod
    TruncatedNormal Unique UniqueV2 Unpack UnsortedSegmentMax UnsortedSegmentMean
    UnsortedSegmentSum Where While Xdivy Xlogy ZerosLike
    """.split()
)

_VARIABLE_OPS = frozenset(
    ("Variable", "VariableV2", "VarHandleOp", "ReadVariableOp", "VarIsInitializedOp")
)


def check_ops(op_types: Iterable[str], source: str) -> None:
    """Refuse a graph that contains an operation which is not on the list.

    Parameters
    ----------
    op_types : of all nodes, including those in functions.
    source : what the graph is called in the message.

    Raises
    ------
    UnsafeFileError : names the operations.
    """
    refused = sorted(set(op_types) - PURE_OPS)
    if not refused:
        return
    named = ", ".join(refused[:8]) + (", ..." if len(refused) > 8 else "")
    if _VARIABLE_OPS.intersection(refused):
        advice = "It has variables: freeze it first, so that its weights are constants."
    else:
        advice = "If you trust where it comes from, pass allow_unsafe_ops=True."
    raise UnsafeFileError(
        f"{source} uses operations that are not pure computation: {named}. {advice}"
    )
