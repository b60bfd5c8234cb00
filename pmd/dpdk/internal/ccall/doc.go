package ccall
