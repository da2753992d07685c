"""Which TensorFlow operations a model file may contain.

A GraphDef is a program. lucidx runs one only if every operation computes on its inputs and touches
nothing else: no files, network, Python, variables or other state. The list is one of what is
allowed: what the models of Lucid's zoo, of keras.applications and of the layers of Keras need, and
the operations next to them.

TensorFlow's own mark for operations with state does not answer the question. Among those without
are some that read files (ReadFile, ImmutableConst), write them (DebugIdentity), call Python
(PyFuncStateless) or end the process (Abort). Among those with it are some that draw random numbers,
or fail (Assert), or are as pure as the functions they call, which are checked like everything else.

Decoders of pictures (DecodeJpeg, in front of some classifiers of 2015) are left out although they
only compute: they are large parsers of bytes from the file, and no image goes through them. So is
XlaCallModule, which runs a program in another language, whose operations this list does not see.
"""

from __future__ import annotations

from collections.abc import Iterable

from lucidx.errors import UnsafeFileError

PURE_OPS = frozenset(
    """
    Abs AccumulateNV2 Acos Acosh Add AddN AddV2 AdjustContrast AdjustContrastv2 AdjustHue
    AdjustSaturation All Angle Any ApproxTopK ApproximateEqual ArgMax ArgMin Asin Asinh
    Assert Atan Atan2 Atanh AvgPool AvgPool3D BatchMatMul BatchMatMulV2 BatchMatMulV3
    BatchNormWithGlobalNormalization BatchToSpace BatchToSpaceND BiasAdd BiasAddV1 Bincount
    Bitcast BitwiseAnd BitwiseOr BitwiseXor BroadcastArgs BroadcastTo Bucketize Case Cast
    Ceil CheckNumerics Cholesky ClipByValue Complex ComplexAbs Concat ConcatOffset ConcatV2
    Conj ConjugateTranspose Const ControlTrigger Conv Conv2D Conv2DBackpropInput Conv3D
    Conv3DBackpropInputV2 Cos Cosh CropAndResize Cross Cumprod Cumsum CumulativeLogsumexp
    DataFormatDimMap DataFormatVecPermute DenseBincount DepthToSpace DepthwiseConv2dNative
    DepthwiseConv2dNativeBackpropInput Dequantize Diag DiagPart Digamma Dilation2D Div
    DivNoNan DynamicPartition DynamicStitch Einsum Elu EmptyTensorList EnsureShape Enter
    Equal Erf Erfc Erfinv EuclideanNorm Exit Exp ExpandDims Expm1 ExtractGlimpse
    ExtractImagePatches FFT FFT2D FFT3D FFTND FakeParam FakeQuantWithMinMaxArgs
    FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel Fill Floor FloorDiv FloorMod
    FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 FusedPadConv2D FusedResizeAndPadConv2D
    Gather GatherNd GatherV2 Greater GreaterEqual GuaranteeConst HSVToRGB
    HistogramFixedWidth IFFT IFFT2D IFFT3D IFFTND IRFFT IRFFT2D Identity IdentityN If Imag
    ImageProjectiveTransformV2 ImageProjectiveTransformV3 InTopK InTopKV2 Inv Invert
    InvertPermutation IsFinite IsInf IsNan L2Loss LRN LeakyRelu LeftShift Less LessEqual
    Lgamma LinSpace ListDiff Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr LoopCond
    LowerBound MatMul MatrixBandPart MatrixDeterminant MatrixDiag MatrixDiagPart
    MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3 MatrixInverse MatrixSetDiag
    MatrixSetDiagV2 MatrixSetDiagV3 MatrixSolve MatrixTriangularSolve Max MaxPool MaxPool3D
    MaxPoolV2 MaxPoolWithArgmax Maximum Mean Merge Min Minimum MirrorPad Mod Mul MulNoNan
    Multinomial Ndtri Neg NextIteration NoOp NonMaxSuppression NonMaxSuppressionV2
    NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5 NotEqual NthElement OneHot
    OnesLike Pack Pad PadV2 ParallelConcat ParallelDynamicStitch PartitionedCall Placeholder
    PlaceholderV2 PlaceholderWithDefault Pow PreventGradient Prod Qr QuantizeAndDequantizeV2
    QuantizeAndDequantizeV3 QuantizeAndDequantizeV4 RFFT RFFT2D RGBToHSV RandomGamma
    RandomShuffle RandomStandardNormal RandomUniform RandomUniformInt Range Rank Real
    RealDiv Reciprocal Relu Relu6 Reshape ResizeArea ResizeBicubic ResizeBilinear
    ResizeNearestNeighbor Reverse ReverseSequence ReverseV2 RightShift Rint Roll Round Rsqrt
    ScaleAndTranslate ScatterNd ScatterNdNonAliasingAdd SegmentMax SegmentMean SegmentMin
    SegmentProd SegmentSum Select SelectV2 SelfAdjointEigV2 Selu Shape ShapeN Sigmoid Sign
    Sin Sinh Size Slice Snapshot Softmax SoftmaxCrossEntropyWithLogits Softplus Softsign
    SpaceToBatch SpaceToBatchND SpaceToDepth SparseSoftmaxCrossEntropyWithLogits
    SparseToDense Split SplitV Sqrt Square SquaredDifference Squeeze StatefulPartitionedCall
    StatelessCase StatelessIf StatelessMultinomial StatelessRandomGammaV2
    StatelessRandomGammaV3 StatelessRandomGetAlg StatelessRandomGetKeyCounter
    StatelessRandomGetKeyCounterAlg StatelessRandomNormal StatelessRandomNormalV2
    StatelessRandomUniform StatelessRandomUniformFullInt StatelessRandomUniformFullIntV2
    StatelessRandomUniformInt StatelessRandomUniformIntV2 StatelessRandomUniformV2
    StatelessShuffle StatelessTruncatedNormal StatelessTruncatedNormalV2 StatelessWhile
    StopGradient StridedSlice Sub Sum Svd Switch Tan Tanh TensorListConcatV2
    TensorListElementShape TensorListFromTensor TensorListGather TensorListGetItem
    TensorListLength TensorListPopBack TensorListPushBack TensorListReserve TensorListResize
    TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem TensorListSplit
    TensorListStack TensorScatterAdd TensorScatterMax TensorScatterMin TensorScatterSub
    TensorScatterUpdate Tile TopK TopKV2 Transpose TruncateDiv TruncateMod TruncatedNormal
    Unique UniqueV2 UniqueWithCounts Unpack UnravelIndex UnsortedSegmentMax
    UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum UpperBound Where While Xdivy
    Xlog1py Xlogy ZerosLike
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
