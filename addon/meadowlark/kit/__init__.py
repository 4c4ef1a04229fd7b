"""What optimized pipelines share. Each module imports only the library it is about; import the one you need.

    ort              sessions of ONNX Runtime: threads, memory, providers
    onnx_graph       models cut in parts along their structure
    part_files       the parts of a model, kept on disk by the content they were made of
    windows          a long thing computed in growing pieces
    pronunciation    `[word](/ipa/)` in a text

For plugins, in their workers. Knows `meadowlark.api` and nothing else of the core.
"""
