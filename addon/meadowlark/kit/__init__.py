"""What optimized pipelines share. Each module imports only the library it is about; import the one you need.

    ort              sessions of ONNX Runtime: threads, memory, providers
    opened           how many models stay open, by their bytes
    onnx_graph       models cut in parts along their structure
    onnx_build       graphs written operator by operator
    onnx_same        whether a rewritten model computes what the original does
    part_files       the parts of a model, kept on disk by the content they were made of
    windows          a long thing computed in growing pieces
    pronunciation    `[word](/ipa/)` in a text
    weights          checkpoints by table of names and shapes, mapped into memory
    downloads        what lies where a model's file should be, when a download went wrong
    precision        bf16, 8 and 4 bits: what a quality means on a device
    kvcache          keys and values, as long as the request needs; prefixes kept
    ort_decoder      a stack of decoder layers as one graph of ONNX Runtime, in 4 or 8 bits
    kept_files       what took long to make, kept under a key
    decode           several sequences a step at a time: who comes and goes, and each step when it is asked for
    recorded         the same from recorded graphs, ahead of the host: for GPUs
    graphs           a step recorded once and replayed: CUDA graphs
    tape             the same on a CPU, for tests
    guidance         two rows of a batch, guided by each other
    sampling         top-k, top-p and their like, in the order an engine defines
    pace             which quality keeps up with speech here
    packed           causal layers near the speed of a processor's arithmetic
    stream           codecs and vocoders piece by piece, with carried state
    references       voices to be imitated: found, checked, trimmed, encoded once
    reference_check  a process that says whether a recording can be one
    parity           a pipeline held against recorded data

For plugins, in their workers. Knows `meadowlark.api` and nothing else of the core.
"""
