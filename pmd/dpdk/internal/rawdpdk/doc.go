package rawdpdk
